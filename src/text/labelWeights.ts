/** @file Weights that a row brings, on its labels. */
import type { TokenizedExample } from "./example.ts";
import { NO_LABEL } from "./lossTerms.ts";
import type { TokenizeReport } from "./tokenizeReport.ts";

/** An example whose labels may have weights of their own. */
export type LabelledText = Pick<TokenizedExample, "input_ids" | "labels" | "chunks"> & {
  readonly weights?: readonly number[] | undefined;
};

/** Labels of weight 0 are none; where all others have the weight 1, nothing is said of weights. */
export function weighted({ input_ids, labels, weights }: LabelledText, ofRow = 1): TokenizedExample {
  if (weights === undefined && ofRow === 1) return { input_ids, labels };
  const all = labels.map((label, t) => (label === NO_LABEL ? 0 : ofRow * (weights?.[t] ?? 1)));
  const kept = labels.map((label, t) => (all[t] === 0 ? NO_LABEL : label));
  return all.every((weight) => weight === 0 || weight === 1)
    ? { input_ids, labels: kept }
    : { input_ids, labels: kept, terms: { weights: all } };
}

/** The range of weights so far, with those of one more example. */
export function withWeights(
  seen: TokenizeReport["weighted"],
  { labels, terms }: TokenizedExample,
): TokenizeReport["weighted"] {
  if (terms === undefined) return seen;
  let { least, most } = seen ?? { least: Infinity, most: -Infinity };
  terms.weights.forEach((weight, t) => {
    if (labels[t] === NO_LABEL) return;
    [least, most] = [Math.min(least, weight), Math.max(most, weight)];
  });
  return { rows: (seen?.rows ?? 0) + 1, least, most };
}
