/** @file A training row as tokens, as `basin run` and `basin export` write it into rows.jsonl. */
import type { TokenizedExample } from "../../text/example.ts";

/** References are left out: they follow from the model. */
export function tokenRow({ input_ids, labels, terms }: TokenizedExample): Readonly<Record<string, readonly number[]>> {
  return {
    input_ids,
    labels,
    ...(terms ? { weights: terms.weights } : {}),
    ...(terms?.kl ? { kl: terms.kl } : {}),
  };
}
