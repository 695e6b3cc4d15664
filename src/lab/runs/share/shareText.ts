/** @file Shared results and their comparison in words. */
import { FIGURE_TITLES } from "../../../experiment/spec/names.ts";
import { rateBounds } from "../../../eval/scores.ts";
import type { LossComparison, Reading } from "../../../experiment/share/reproduction.ts";
import { RATES, type SharedScores } from "../../../experiment/share/results.ts";
import { REPRODUCTION } from "../copy.ts";
import { count, percent, perplexity, significant } from "../../support/format.ts";

/** "37 % (37/100; 28 to 47)". */
export function readingText(reading: Reading | null): string {
  if (reading === null) return REPRODUCTION.notMeasured;
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

/** The sender's scores as table rows. */
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
  if (stepsSent !== stepsHere) return REPRODUCTION.stepsDiffer(stepsSent, stepsHere);
  if (identical) return REPRODUCTION.identical(stepsHere);
  if (largestDifference === null) return REPRODUCTION.noLosses;
  const text = REPRODUCTION.largestDifference(compared, significant(largestDifference, 2));
  return sameKernels === false ? text + REPRODUCTION.otherKernels : text;
}
