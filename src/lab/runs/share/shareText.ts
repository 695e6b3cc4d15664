/** @file Shared results and their comparison in words. */
import { FIGURE_TITLES } from "../../../experiment/spec/names.ts";
import { rateBounds } from "../../../eval/scores.ts";
import type { FigureComparison, LossComparison, Outcome, Reading } from "../../../experiment/share/reproduction.ts";
import { RATES, type SharedScores } from "../../../experiment/share/results.ts";
import { count, percent, perplexity, significant } from "../../support/format.ts";

export const OUTCOMES: Readonly<
  Record<Outcome, { readonly title: string; readonly text: string; readonly tone: "good" | "warn" | "bad" }>
> = {
  exact: { title: "Reproduced, bit for bit", text: "Every count and every loss is the sender’s.", tone: "good" },
  reproduced: {
    title: "Reproduced",
    text: "Every count is the sender’s; the losses differ by no more than rounding does.",
    tone: "good",
  },
  consistent: {
    title: "Not the same, but consistent",
    text: "Some figures differ; the intervals of each pair overlap.",
    tone: "warn",
  },
  different: { title: "Different", text: "This run did not repeat what was sent.", tone: "bad" },
};

export const VERDICTS: Readonly<Record<FigureComparison["verdict"], string>> = {
  same: "the same",
  overlap: "differs, intervals overlap",
  apart: "differs, intervals lie apart",
  other: "not comparable",
};

/** "37 % (37/100; 28 to 47)". */
export function readingText(reading: Reading | null): string {
  if (reading === null) return "not measured";
  const range =
    reading.bounds === null
      ? ""
      : reading.kind === "rate"
        ? `; ${Math.round(reading.bounds.low)} to ${Math.round(reading.bounds.high)}`
        : `; ${perplexity(reading.bounds.low)} to ${perplexity(reading.bounds.high)}`;
  return reading.kind === "rate"
    ? `${percent((100 * reading.hits) / reading.count)} (${reading.hits}/${reading.count}${range})`
    : `${perplexity(reading.perplexity)} (${count(reading.tokens)} tokens${range})`;
}

export interface SentFigure {
  readonly title: string;
  readonly before: string;
  readonly after: string;
}

/** What was sent, as a table has it. */
export function sentFigures(before: SharedScores, after: SharedScores): readonly SentFigure[] {
  const text = (scores: SharedScores, name: (typeof RATES)[number]): string => {
    const found = scores[name];
    return readingText(found === undefined ? null : { kind: "rate", ...found, bounds: rateBounds(found) });
  };
  const rates = RATES.flatMap((name) =>
    before[name] === undefined && after[name] === undefined
      ? []
      : [{ title: FIGURE_TITLES[name], before: text(before, name), after: text(after, name) }],
  );
  const read = (scores: SharedScores): string =>
    readingText(
      scores.perplexity === undefined
        ? null
        : { kind: "perplexity", ...scores.perplexity, bounds: scores.perplexity.ci95 },
    );
  return before.perplexity === undefined && after.perplexity === undefined
    ? rates
    : [...rates, { title: FIGURE_TITLES.perplexity, before: read(before), after: read(after) }];
}

/** @param sameKernels null where it is not known */
export function lossText(
  { stepsSent, stepsHere, identical, largestDifference, compared }: LossComparison,
  sameKernels: boolean | null,
): string {
  if (stepsSent !== stepsHere) return `${stepsSent} steps there, ${stepsHere} here: the losses cannot be compared.`;
  if (identical) return `The losses of all ${count(stepsHere)} steps are the same, bit for bit.`;
  if (largestDifference === null) return "There are no losses to compare.";
  const why =
    sameKernels === false
      ? " Other kernels made the products here than there. They add numbers in another order, which changes the last digits."
      : "";
  return `The losses are not the same bit for bit: of the ${compared} that were sent the largest difference is ${significant(largestDifference, 2)} nats.${why}`;
}
