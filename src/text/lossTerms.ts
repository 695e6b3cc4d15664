/**
 * @file What the loss of a position is made of beside its cross-entropy, and which positions have one:
 *
 *     loss of position t = weights[t] · CE + kl[t] · KL(p ‖ p_ref)
 *     loss of a step     = Σ loss of its positions / number of its labels that have a loss
 *
 * A label whose weight and coefficient are both 0 has no loss: it is as if it were masked, and is not counted. A weight
 * of 0.5 halves what a label counts for; it is not made up for by the others.
 */

import type { TokenizedExample } from "./example.ts";

/** By position, as `labels`. */
export interface LossTerms {
  /** Of the cross-entropy, of either sign; 0 where there is no label. */
  readonly weights: readonly number[];
  /** Of the divergence from the reference, the model without adapter. 0 everywhere unless given. */
  readonly kl?: readonly number[];
  /** log p_ref of the token at each position that has a coefficient. */
  readonly references?: readonly number[];
}

/** A position that takes no loss. */
export const NO_LABEL = -100;

/**
 * The token of which position t takes a loss; undefined where it takes none. Where there is a coefficient without a
 * label it is the row's own token: a prompt may be held to the reference too.
 */
export function lossTarget({ input_ids, labels, terms }: TokenizedExample, t: number): number | undefined {
  const label = labels[t];
  if (terms === undefined) return label === NO_LABEL ? undefined : label;
  const held = (terms.kl?.[t] ?? 0) !== 0;
  if (label === NO_LABEL) return held ? input_ids[t] : undefined;
  return held || terms.weights[t] !== 0 ? label : undefined;
}

/** Those of the first positions. */
export function cutTerms({ weights, kl, references }: LossTerms, limit: number): LossTerms {
  return {
    weights: weights.slice(0, limit),
    ...(kl ? { kl: kl.slice(0, limit) } : {}),
    ...(references ? { references: references.slice(0, limit) } : {}),
  };
}
