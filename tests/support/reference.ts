/** @file Operators and their gradients in f64, written as plainly as possible. Matrices are flat, row by row. */

type Numbers = ArrayLike<number>;
const at = (x: Numbers, i: number): number => x[i] ?? 0;

export function embeddingReference(
  ids: Numbers,
  table: Numbers,
  vocabulary: number,
  width: number,
  scale = 1,
): Float64Array {
  const y = new Float64Array(ids.length * width);
  for (let t = 0; t < ids.length; t++) {
    if (at(ids, t) >= vocabulary) continue;
    for (let i = 0; i < width; i++) y[t * width + i] = scale * at(table, at(ids, t) * width + i);
  }
  return y;
}

export function columnsReference(x: Numbers, width: number, from: number, count: number): Float64Array {
  return Float64Array.from({ length: (x.length / width) * count }, (_, n) =>
    at(x, Math.floor(n / count) * width + from + (n % count)),
  );
}

export function rmsNormReference(x: Numbers, w: Numbers, eps: number): Float64Array {
  const d = w.length;
  return Float64Array.from({ length: x.length }, (_, n) => {
    const start = n - (n % d);
    let squares = 0;
    for (let i = 0; i < d; i++) squares += at(x, start + i) ** 2;
    return (at(w, n % d) * at(x, n)) / Math.sqrt(squares / d + eps);
  });
}

export function rmsNormGradient(
  x: Numbers,
  w: Numbers,
  dy: Numbers,
  eps: number,
): { dx: Float64Array; dw: Float64Array } {
  const d = w.length;
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(d);
  for (let start = 0; start < x.length; start += d) {
    let squares = 0;
    let product = 0;
    for (let i = 0; i < d; i++) {
      squares += at(x, start + i) ** 2;
      product += at(w, i) * at(dy, start + i) * at(x, start + i);
    }
    const r = 1 / Math.sqrt(squares / d + eps);
    for (let i = 0; i < d; i++) {
      dx[start + i] = r * (at(w, i) * at(dy, start + i) - at(x, start + i) * r * r * (product / d));
      dw[i] = at(dw, i) + at(dy, start + i) * at(x, start + i) * r;
    }
  }
  return { dx, dw };
}

export function rotaryReference(
  x: Numbers,
  table: Numbers,
  positions: Numbers,
  heads: number,
  headDim: number,
  direction = 1,
): Float64Array {
  const half = headDim / 2;
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length / headDim; row++) {
    const angle = at(positions, Math.floor(row / heads)) * headDim;
    for (let i = 0; i < half; i++) {
      const [c, s] = [at(table, angle + i), direction * at(table, angle + half + i)];
      const [a, b] = [at(x, row * headDim + i), at(x, row * headDim + half + i)];
      y[row * headDim + i] = a * c - b * s;
      y[row * headDim + half + i] = b * c + a * s;
    }
  }
  return y;
}

/** An activation and its derivative, by the name of `hidden_act`. */
const ACTIVATIONS = {
  silu: (g: number): readonly [number, number] => {
    const s = 1 / (1 + Math.exp(-g));
    return [g * s, s * (1 + g * (1 - s))];
  },
  gelu_pytorch_tanh: (g: number): readonly [number, number] => {
    const t = Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3));
    return [
      0.5 * g * (1 + t),
      0.5 * (1 + t) + 0.5 * g * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * g ** 2),
    ];
  },
} as const;

type Activation = keyof typeof ACTIVATIONS;

export function gatedReference(gate: Numbers, up: Numbers, activation: Activation = "silu"): Float64Array {
  return Float64Array.from({ length: up.length }, (_, i) => ACTIVATIONS[activation](at(gate, i))[0] * at(up, i));
}

export function gatedGradient(
  gate: Numbers,
  up: Numbers,
  dy: Numbers,
  activation: Activation = "silu",
): { dGate: Float64Array; dUp: Float64Array } {
  return {
    dGate: Float64Array.from(
      { length: up.length },
      (_, i) => at(dy, i) * at(up, i) * ACTIVATIONS[activation](at(gate, i))[1],
    ),
    dUp: Float64Array.from({ length: up.length }, (_, i) => at(dy, i) * ACTIVATIONS[activation](at(gate, i))[0]),
  };
}

export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly softcap?: number;
  /** u32 [T, 4]. */
  readonly bounds: Numbers;
}

function probabilities(
  q: Numbers,
  k: Numbers,
  shape: AttentionShape,
  t: number,
  head: number,
): { first: number; p: number[]; slopes: number[] } {
  const { heads, kvHeads, headDim, scale, softcap = Infinity, bounds } = shape;
  const kvHead = Math.floor(head / (heads / kvHeads));
  const [first, end] = [at(bounds, 4 * t), at(bounds, 4 * t + 1)];
  const scores = Array.from({ length: Math.max(0, end - first) }, (_, n) => {
    let sum = 0;
    for (let c = 0; c < headDim; c++)
      sum += at(q, (t * heads + head) * headDim + c) * at(k, ((first + n) * kvHeads + kvHead) * headDim + c);
    return softcap < Infinity ? softcap * Math.tanh((scale * sum) / softcap) : scale * sum;
  });
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return {
    first,
    p: weights.map((weight) => weight / total),
    slopes: scores.map((score) => 1 - (score / softcap) ** 2),
  };
}

export function attentionReference(q: Numbers, k: Numbers, v: Numbers, shape: AttentionShape): Float64Array {
  const { heads, kvHeads, headDim } = shape;
  const o = new Float64Array(q.length);
  for (let t = 0; t < q.length / heads / headDim; t++) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const { first, p } = probabilities(q, k, shape, t, head);
      p.forEach((weight, n) => {
        for (let c = 0; c < headDim; c++) {
          const i = (t * heads + head) * headDim + c;
          o[i] = at(o, i) + weight * at(v, ((first + n) * kvHeads + kvHead) * headDim + c);
        }
      });
    }
  }
  return o;
}

export interface AttentionGradient {
  readonly dq: Float64Array;
  readonly dk: Float64Array;
  readonly dv: Float64Array;
}

export function attentionGradient(
  q: Numbers,
  k: Numbers,
  v: Numbers,
  dOut: Numbers,
  shape: AttentionShape,
): AttentionGradient {
  const { heads, kvHeads, headDim, scale } = shape;
  const dq = new Float64Array(q.length);
  const dk = new Float64Array(k.length);
  const dv = new Float64Array(v.length);
  for (let t = 0; t < q.length / heads / headDim; t++) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const query = (t * heads + head) * headDim;
      const { first, p, slopes } = probabilities(q, k, shape, t, head);
      const key = (n: number): number => ((first + n) * kvHeads + kvHead) * headDim;
      const dp = p.map((_, n) => {
        let sum = 0;
        for (let c = 0; c < headDim; c++) sum += at(dOut, query + c) * at(v, key(n) + c);
        return sum;
      });
      const delta = p.reduce((sum, weight, n) => sum + weight * at(dp, n), 0);
      p.forEach((weight, n) => {
        const ds = scale * weight * (at(dp, n) - delta) * at(slopes, n);
        for (let c = 0; c < headDim; c++) {
          dv[key(n) + c] = at(dv, key(n) + c) + weight * at(dOut, query + c);
          dq[query + c] = at(dq, query + c) + ds * at(k, key(n) + c);
          dk[key(n) + c] = at(dk, key(n) + c) + ds * at(q, query + c);
        }
      });
    }
  }
  return { dq, dk, dv };
}

/**
 * Bounds of a packed batch: each segment is causal, `padding` tokens at the end see only themselves.
 * Rows are (kvStart, kvEnd, qStart, qEnd).
 */
export function packedBounds(segments: readonly number[], padding = 0): Uint32Array {
  const rows: number[] = [];
  let start = 0;
  for (const length of segments) {
    for (let t = start; t < start + length; t++) rows.push(start, t + 1, t, start + length);
    start += length;
  }
  for (let t = start; t < start + padding; t++) rows.push(t, t + 1, t, t + 1);
  return Uint32Array.from(rows);
}
