/**
 * @file A training step for a library that has neither adapters nor frozen weights: the same blocks on the same x, but
 * all weights are trained and the loss is cross-entropy.
 *
 *     logits [T, T] = h xᵀ, token t of the vocabulary being row t of x
 *     loss = mean of −log softmax(logits[t])[t + 1]
 *
 * The tied head has as few rows as the blocks' inputs allow, so that most of the work is the blocks'.
 */

import type { StepShape, StepWork } from "./loraStep.ts";
import { referenceHidden } from "./referenceLoss.ts";

/** Token that follows each: the next row, after the last the first. */
export function nextTokens({ tokens }: StepShape): number[] {
  return Array.from({ length: tokens }, (_, t) => (t + 1) % tokens);
}

/** The mean cross-entropy in 64-bit arithmetic. */
export function fullReferenceLoss(work: StepWork): number {
  const { shape, adapters, x } = work;
  const { tokens, hidden } = shape;
  const off = ({ A, B }: { readonly A: StepWork["x"]; readonly B: StepWork["x"] }) => ({ A, B: B.map(() => 0) });
  const h = referenceHidden(
    work,
    adapters.map(({ q, v }) => ({ q: off(q), v: off(v) })),
  );
  const sum = nextTokens(shape).reduce((total, target, t) => {
    const logits = Float64Array.from({ length: tokens }, (_, row) => {
      let dot = 0;
      for (let i = 0; i < hidden; i += 1) dot += (h[t * hidden + i] ?? 0) * (x[row * hidden + i] ?? 0);
      return dot;
    });
    const most = logits.reduce((a, b) => Math.max(a, b));
    return (
      total + most + Math.log(logits.reduce((all, logit) => all + Math.exp(logit - most), 0)) - (logits[target] ?? 0)
    );
  }, 0);
  return sum / tokens;
}

/**
 * Of the products: forward, the gradient of each input and of each weight; causal attention inside the mask (forward 4,
 * backward 10 operations a pair and channel).
 */
export function fullStepFlops({ layers, hidden, heads, kvHeads, headDim, intermediate, tokens }: StepShape): number {
  const kv = kvHeads * headDim;
  const weights = layers * (2 * hidden * hidden + 2 * hidden * kv + 3 * hidden * intermediate) + tokens * hidden;
  const pairs = (tokens * (tokens + 1)) / 2;
  return 6 * tokens * weights + layers * 14 * pairs * heads * headDim;
}
