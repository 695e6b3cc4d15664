/**
 * @file One LoRA training step on a stack of Llama blocks: the same numbers for every library.
 *
 *     x [T, d] ─ block ─ … ─ block ─ norm ─▶ h       loss = ½ Σ (h − target)²
 *
 * A block is RMSNorm, grouped-query causal attention with rotary embedding, RMSNorm, SwiGLU, with residual sums; q_proj
 * and v_proj carry adapters: y = x Wᵀ + (alpha / r) (x Aᵀ) Bᵀ. The step computes the loss, the gradients of all A and B
 * and nothing else, and moves them by Adam. B is not zero, so A has a gradient from the first step on. All weights are
 * numbers that bf16 holds exactly.
 */

import { numbers } from "./numbers.ts";

export interface StepShape {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly rank: number;
  readonly alpha: number;
  readonly tokens: number;
}

/** Two blocks of SmolLM2-135M's dimensions, or as many as asked for; the whole model has 30. */
export function stepShape(tokens: number, layers = 2): StepShape {
  return { layers, hidden: 576, heads: 9, kvHeads: 3, headDim: 64, intermediate: 1536, rank: 8, alpha: 16, tokens };
}

export const NORM_EPS = 1e-5;
export const ROPE_THETA = 10000;
export const ADAM = { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

export type Matrix = Float32Array<ArrayBuffer>;

/** Matrices are [out, in]. */
export interface BlockWeights {
  readonly attentionNorm: Matrix;
  readonly q: Matrix;
  readonly k: Matrix;
  readonly v: Matrix;
  readonly o: Matrix;
  readonly unitNorm: Matrix;
  readonly gate: Matrix;
  readonly up: Matrix;
  readonly down: Matrix;
}

/** A [rank, in], B [out, rank]. */
export interface Adapter {
  readonly A: Matrix;
  readonly B: Matrix;
}

export interface StepWork {
  readonly shape: StepShape;
  readonly blocks: readonly BlockWeights[];
  readonly finalNorm: Matrix;
  readonly adapters: readonly { readonly q: Adapter; readonly v: Adapter }[];
  /** [T, hidden] */
  readonly x: Matrix;
  readonly target: Matrix;
}

export function stepWork(shape: StepShape): StepWork {
  const { layers, hidden, kvHeads, headDim, intermediate, rank, tokens } = shape;
  const kv = kvHeads * headDim;
  let seed = 1;
  const matrix = (out: number, inner: number): Matrix => numbers(out * inner, seed++, Math.sqrt(3 / inner));
  const adapter = (out: number): Adapter => ({ A: matrix(rank, hidden), B: numbers(out * rank, seed++, 0.02) });
  return {
    shape,
    blocks: Array.from({ length: layers }, () => ({
      attentionNorm: numbers(hidden, seed++, 0.1, 1),
      q: matrix(hidden, hidden),
      k: matrix(kv, hidden),
      v: matrix(kv, hidden),
      o: matrix(hidden, hidden),
      unitNorm: numbers(hidden, seed++, 0.1, 1),
      gate: matrix(intermediate, hidden),
      up: matrix(intermediate, hidden),
      down: matrix(hidden, intermediate),
    })),
    finalNorm: numbers(hidden, seed++, 0.1, 1),
    adapters: Array.from({ length: layers }, () => ({ q: adapter(hidden), v: adapter(kv) })),
    x: numbers(tokens * hidden, seed++, 1),
    target: numbers(tokens * hidden, seed++, 1),
  };
}

/**
 * Floating-point operations of the products that the step cannot do without: forward, the gradients that reach an
 * adapter, and causal attention (only pairs inside the mask). The first block's input needs no gradient, so neither do
 * its k_proj's.
 */
export function stepFlops({ layers, hidden, heads, kvHeads, headDim, intermediate, rank, tokens }: StepShape): number {
  const kv = kvHeads * headDim;
  const product = (out: number, inner: number): number => 2 * tokens * out * inner;
  const unit = 3 * product(intermediate, hidden);
  const output = product(hidden, hidden);
  const inputs = product(hidden, hidden) + 2 * product(kv, hidden);
  const lora = product(rank, hidden) * 2 + product(hidden, rank) + product(kv, rank);
  const pairs = (tokens * (tokens + 1)) / 2;
  const attention = pairs * heads * headDim;
  const forward = inputs + output + unit + lora + 4 * attention;
  // Scores again, ∂p, ∂q, ∂v: 8 operations a pair and channel; ∂k where somebody needs it: 2 more.
  const reverse = output + unit + 8 * attention + 2 * lora;
  const toInput = inputs + 2 * attention;
  return layers * (forward + reverse) + (layers - 1) * toInput;
}

/** cos and sin of each position and frequency: [T, headDim / 2]. */
export function rotaryAngles({ tokens, headDim }: StepShape): { readonly cos: Matrix; readonly sin: Matrix } {
  const half = headDim / 2;
  const angle = (index: number): number => Math.floor(index / half) * ROPE_THETA ** (-(index % half) / half);
  return {
    cos: Float32Array.from({ length: tokens * half }, (_, i) => Math.cos(angle(i))),
    sin: Float32Array.from({ length: tokens * half }, (_, i) => Math.sin(angle(i))),
  };
}
