/** @file What a pass reads of a row to find its reference log-probabilities. */
import type { TokenizedExample } from "./example.ts";
import { lossTarget, NO_LABEL } from "./lossTerms.ts";

/** The labels of a row that are held to the reference. */
export function referenceRow(example: TokenizedExample): TokenizedExample {
  const { input_ids, labels, terms } = example;
  return {
    input_ids,
    labels: labels.map((_, t) => (terms?.kl?.[t] ? (lossTarget(example, t) ?? NO_LABEL) : NO_LABEL)),
  };
}
