/** @file The loss of a LoRA step in 64-bit arithmetic, written out plainly: what every contender has to agree with. */

import { type Adapter, type BlockWeights, NORM_EPS, ROPE_THETA, type StepShape, type StepWork } from "./loraStep.ts";

/** ½ Σ (h − target)² with these adapters (those of `work` unless given). */
export function referenceLoss(work: StepWork, adapters = work.adapters): number {
  return referenceHidden(work, adapters).reduce((sum, value, i) => sum + 0.5 * (value - (work.target[i] ?? 0)) ** 2, 0);
}

/** h [T, hidden] */
export function referenceHidden(work: StepWork, adapters: StepWork["adapters"]): Float64Array {
  const { shape, blocks, finalNorm } = work;
  let x = Float64Array.from(work.x);
  blocks.forEach((block, layer) => {
    const adapter = adapters[layer];
    if (!adapter) throw new Error(`no adapter for block ${layer}`);
    x = attended(x, block, adapter, shape);
    x = fed(x, block, shape);
  });
  return normalised(x, finalNorm, shape.hidden);
}

/** x [T, inner] · W [out, inner]ᵀ; four columns at a time, whose sums do not wait for each other. */
function product(x: Float64Array, w: ArrayLike<number>, out: number, inner: number): Float64Array<ArrayBuffer> {
  const rows = x.length / inner;
  const y = new Float64Array(rows * out);
  for (let row = 0; row < rows; row += 1) {
    const from = row * inner;
    let column = 0;
    for (; column + 4 <= out; column += 4) {
      const [first, second, third, fourth] = [
        column * inner,
        (column + 1) * inner,
        (column + 2) * inner,
        (column + 3) * inner,
      ];
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let i = 0; i < inner; i += 1) {
        const value = x[from + i] as number;
        a += value * (w[first + i] as number);
        b += value * (w[second + i] as number);
        c += value * (w[third + i] as number);
        d += value * (w[fourth + i] as number);
      }
      y.set([a, b, c, d], row * out + column);
    }
    for (; column < out; column += 1) {
      let sum = 0;
      for (let i = 0; i < inner; i += 1) sum += (x[from + i] as number) * (w[column * inner + i] as number);
      y[row * out + column] = sum;
    }
  }
  return y;
}

function adapted(
  x: Float64Array,
  w: ArrayLike<number>,
  { A, B }: Adapter,
  out: number,
  { hidden, rank, alpha }: StepShape,
): Float64Array<ArrayBuffer> {
  const y = product(x, w, out, hidden);
  const delta = product(product(x, A, rank, hidden), B, out, rank);
  return y.map((value, i) => value + (alpha / rank) * (delta[i] ?? 0));
}

function normalised(x: Float64Array, weight: ArrayLike<number>, width: number): Float64Array<ArrayBuffer> {
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += width) {
    let squares = 0;
    for (let i = 0; i < width; i += 1) squares += (x[row + i] ?? 0) ** 2;
    const scale = 1 / Math.sqrt(squares / width + NORM_EPS);
    for (let i = 0; i < width; i += 1) y[row + i] = (x[row + i] ?? 0) * scale * (weight[i] ?? 0);
  }
  return y;
}

/** Rotary embedding, halves apart as in Llama; in place. */
function rotate(x: Float64Array, heads: number, headDim: number): void {
  const half = headDim / 2;
  for (let base = 0; base < x.length; base += headDim) {
    const position = Math.floor(base / (heads * headDim));
    for (let i = 0; i < half; i += 1) {
      const angle = position * ROPE_THETA ** (-i / half);
      const [a, b] = [x[base + i] ?? 0, x[base + i + half] ?? 0];
      x[base + i] = a * Math.cos(angle) - b * Math.sin(angle);
      x[base + i + half] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  }
}

function attended(
  x: Float64Array,
  block: BlockWeights,
  adapter: { readonly q: Adapter; readonly v: Adapter },
  shape: StepShape,
): Float64Array<ArrayBuffer> {
  const { hidden, heads, kvHeads, headDim, tokens } = shape;
  const kv = kvHeads * headDim;
  const normed = normalised(x, block.attentionNorm, hidden);
  const q = adapted(normed, block.q, adapter.q, hidden, shape);
  const k = product(normed, block.k, kv, hidden);
  const v = adapted(normed, block.v, adapter.v, kv, shape);
  rotate(q, heads, headDim);
  rotate(k, kvHeads, headDim);
  const mixed = new Float64Array(tokens * hidden);
  for (let head = 0; head < heads; head += 1) {
    const shared = Math.floor(head / (heads / kvHeads)) * headDim;
    for (let t = 0; t < tokens; t += 1) {
      const scores = new Float64Array(t + 1);
      for (let j = 0; j <= t; j += 1) {
        let dot = 0;
        for (let c = 0; c < headDim; c += 1)
          dot += (q[t * hidden + head * headDim + c] ?? 0) * (k[j * kv + shared + c] ?? 0);
        scores[j] = dot / Math.sqrt(headDim);
      }
      const most = scores.reduce((a, b) => Math.max(a, b));
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((a, b) => a + b);
      for (let j = 0; j <= t; j += 1) {
        const p = (weights[j] ?? 0) / total;
        for (let c = 0; c < headDim; c += 1) {
          const at = t * hidden + head * headDim + c;
          mixed[at] = (mixed[at] ?? 0) + p * (v[j * kv + shared + c] ?? 0);
        }
      }
    }
  }
  const out = product(mixed, block.o, hidden, hidden);
  return x.map((value, i) => value + (out[i] ?? 0)) as Float64Array<ArrayBuffer>;
}

function fed(x: Float64Array, block: BlockWeights, { hidden, intermediate }: StepShape): Float64Array<ArrayBuffer> {
  const normed = normalised(x, block.unitNorm, hidden);
  const gate = product(normed, block.gate, intermediate, hidden);
  const up = product(normed, block.up, intermediate, hidden);
  const unit = gate.map((g, i) => (g / (1 + Math.exp(-g))) * (up[i] ?? 0));
  const out = product(unit, block.down, hidden, intermediate);
  return x.map((value, i) => value + (out[i] ?? 0)) as Float64Array<ArrayBuffer>;
}
