/**
 * @file Whether a run reproduces the results in a link: score by score from the counts, and the losses.
 *
 *     exact        every count is the same, and every loss to the last bit
 *     reproduced   every count is the same, and no compared loss differs by more than LOSS_TOLERANCE
 *     consistent   some differ, but every pair of 95 % intervals overlaps
 *     different    a pair of intervals lies apart, or the run was another size
 *
 * Why not always exact: GPUs of different makers, and other kernels, add numbers in different orders. The last bits of
 * a loss may then differ, training carries that on, and where two tokens are almost equally likely an answer may turn.
 */
import type { DataReport, StepMetrics } from "../run/events.ts";
import { rateBounds, type Bounds } from "../../eval/scores.ts";
import { lossDigest, sampledSteps } from "./lossDigest.ts";
import {
  RATES,
  sharedScores,
  type RateName,
  type SharedResults,
  type SharedRun,
  type SharedScores,
} from "./results.ts";

/**
 * Largest difference of a cross-entropy (nats) and of a log-perplexity that still counts as the same; Basin holds
 * itself to it against PyTorch.
 */
export const LOSS_TOLERANCE = 1e-3;

export const DEFINITION =
  "Reproduced: all counts before and after training match the sender’s, and the cross-entropy of the compared steps " +
  "differs by at most 0.001 nats. Bit for bit: all losses match in every digit. Consistent: some scores differ, but " +
  "all 95 % intervals overlap. Different GPUs, and different kernels on one GPU, round the last bits differently, " +
  "which can change an answer where two tokens are almost equally likely.";

export type FigureName = RateName | "perplexity";
export type Moment = "before" | "after";

export interface FigureComparison {
  readonly name: FigureName;
  readonly moment: Moment;
  /**
   * "same": equal counts, or a perplexity within the tolerance. "other": not the same number of prompts, or only one of
   * the two has it.
   */
  readonly verdict: "same" | "overlap" | "apart" | "other";
  readonly sent: Reading | null;
  readonly here: Reading | null;
}

/** A figure as it is compared: a count, or a perplexity with its tokens. */
export type Reading =
  | { readonly kind: "rate"; readonly hits: number; readonly count: number; readonly bounds: Bounds }
  | {
      readonly kind: "perplexity";
      readonly perplexity: number;
      readonly nll: number;
      readonly tokens: number;
      readonly bounds: Bounds | null;
    };

export interface LossComparison {
  readonly stepsSent: number;
  readonly stepsHere: number;
  readonly identical: boolean;
  /** Of the cross-entropies that travelled, nats; null where the numbers of steps differ or there are none. */
  readonly largestDifference: number | null;
  readonly compared: number;
}

export type Outcome = "exact" | "reproduced" | "consistent" | "different";

export interface Reproduction {
  readonly outcome: Outcome;
  readonly figures: readonly FigureComparison[];
  readonly losses: LossComparison;
  /**
   * Whether the products of the training steps were made by the same kernels; null where one of the two does not say.
   */
  readonly sameKernels: boolean | null;
  /** Which rows are not the sender's, though the settings name the same; empty where one of the two does not say. */
  readonly otherData: readonly (keyof DataReport)[];
}

/**
 * Compares a run that went through to its end with what was sent. Both are of the same spec: the caller has checked.
 */
export function compareRuns(sent: SharedResults, { steps, report }: Pick<SharedRun, "steps" | "report">): Reproduction {
  const figures = (["before", "after"] as const).flatMap((moment) =>
    compareScores(moment, sent[moment], sharedScores(report[moment])),
  );
  const losses = compareLosses(sent, steps);
  const [there, at] = [sent.kernels, report.kernels?.digest ?? null];
  const { data } = sent;
  const otherData = (["rows", "questions"] as const).filter(
    (part) => data !== null && report.data !== undefined && data[part] !== report.data[part],
  );
  return {
    outcome: outcomeOf(figures, losses),
    figures,
    losses,
    sameKernels: there === null || at === null ? null : there === at,
    otherData,
  };
}

function outcomeOf(
  figures: readonly FigureComparison[],
  { identical, largestDifference, stepsSent, stepsHere }: LossComparison,
): Outcome {
  if (stepsSent !== stepsHere || figures.some(({ verdict }) => verdict === "apart" || verdict === "other"))
    return "different";
  if (figures.some(({ verdict }) => verdict === "overlap")) return "consistent";
  if (identical) return "exact";
  if (largestDifference !== null && largestDifference <= LOSS_TOLERANCE) return "reproduced";
  // Without figures nothing but the losses can agree.
  return figures.length === 0 ? "different" : "consistent";
}

function compareScores(moment: Moment, sent: SharedScores, here: SharedScores): FigureComparison[] {
  return [...RATES, "perplexity" as const].flatMap((name) => {
    const [one, other] = [readingOf(sent, name), readingOf(here, name)];
    return one === null && other === null
      ? []
      : [{ name, moment, verdict: verdictOf(one, other), sent: one, here: other }];
  });
}

function readingOf(scores: SharedScores, name: FigureName): Reading | null {
  if (name === "perplexity") {
    const found = scores.perplexity;
    return found === undefined
      ? null
      : { kind: "perplexity", perplexity: found.perplexity, nll: found.nll, tokens: found.tokens, bounds: found.ci95 };
  }
  const found = scores[name];
  return found === undefined ? null : { kind: "rate", ...found, bounds: rateBounds(found) };
}

function verdictOf(sent: Reading | null, here: Reading | null): FigureComparison["verdict"] {
  if (sent === null || here === null) return "other";
  if (sent.kind === "rate" && here.kind === "rate") {
    if (sent.count !== here.count) return "other";
    return sent.hits === here.hits ? "same" : overlap(sent.bounds, here.bounds);
  }
  if (sent.kind === "perplexity" && here.kind === "perplexity") {
    if (sent.tokens !== here.tokens) return "other";
    return Math.abs(sent.nll - here.nll) <= LOSS_TOLERANCE ? "same" : overlap(sent.bounds, here.bounds);
  }
  return "other";
}

/** Without intervals any difference counts as apart. */
function overlap(one: Bounds | null, other: Bounds | null): "overlap" | "apart" {
  return one !== null && other !== null && one.low <= other.high && other.low <= one.high ? "overlap" : "apart";
}

function compareLosses({ losses: sent }: SharedResults, steps: readonly StepMetrics[]): LossComparison {
  const here = lossDigest(steps);
  const alike = sent.steps === here.steps && sent.sample.length === here.sample.length;
  const identical = alike && sent.bits === here.bits;
  const differences = sampledSteps(steps.length).map((at, i) =>
    Math.abs((steps[at]?.ce ?? Number.NaN) - (sent.sample[i] ?? Number.NaN)),
  );
  // The sample travels with six digits: equal losses differ by their rounding.
  const largest = identical ? 0 : Math.max(0, ...differences);
  return {
    stepsSent: sent.steps,
    stepsHere: here.steps,
    identical,
    largestDifference: alike && steps.length > 0 ? largest : null,
    compared: alike ? here.sample.length : 0,
  };
}
