/** @file Attention on the device against the f64 reference, and that against central differences. */

import type { Gpu } from "../../src/engine/device.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import { normal } from "./numeric.ts";
import { ONLY, type OperatorResult, checkOperator } from "./operatorCheck.ts";
import { attentionGradient, attentionReference } from "./reference.ts";

export interface AttentionHeads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly softcap?: number | undefined;
}

type Operand = "q" | "k" | "v";

export interface AttentionCase {
  /** u32[T, 4] */
  readonly bounds: Uint32Array;
  readonly heads: AttentionHeads;
  /** Rows of k and v: as many as queries, or those of a cache. */
  readonly rows?: number;
  /** By default all; none of a cache. */
  readonly wanted?: readonly Operand[];
  /** Spread of queries and keys: large ones test the running maximum, where central differences say nothing. */
  readonly size?: number;
}

/** Of `window` tokens a query sees the last ones, itself included. */
export function windowed(bounds: Uint32Array, window: number): Uint32Array {
  return bounds.map((value, i) => {
    const token = Math.floor(i / 4);
    if (i % 4 === 0) return Math.max(value, token - window + 1);
    return i % 4 === 3 ? Math.min(value, token + window) : value;
  });
}

/** Forward, the wanted gradients against the f64 gradient, and that gradient against central differences. */
export function checkAttention(
  gpu: Gpu,
  { bounds, heads: settings, rows, wanted = rows === undefined ? ["q", "k", "v"] : [], size = 1 }: AttentionCase,
): Promise<OperatorResult<Operand | "bounds">> {
  const { heads, kvHeads, headDim } = settings;
  const queries = bounds.length / 4;
  const keys = rows ?? queries;
  const shape = { ...settings, scale: 1 / Math.sqrt(headDim), bounds };
  const grad = (name: Operand): boolean => wanted.includes(name);
  const [wide, narrow] = [heads * headDim, kvHeads * headDim];
  const error = size > 1 ? 1e-4 : rows === undefined ? 3e-6 : 2e-6;
  return checkOperator(gpu, {
    operands: {
      q: { shape: [queries, wide], values: normal(queries * wide, 1, size), grad: grad("q") },
      k: { shape: [keys, narrow], values: normal(keys * narrow, 2, size), grad: grad("k") },
      v: { shape: [keys, narrow], values: normal(keys * narrow, 3), grad: grad("v") },
      bounds: { shape: [queries, 4], values: bounds },
    },
    graph: (graph, { q, k, v, bounds: limits }) =>
      attention(graph, q, k, v, limits, { ...settings, scale: shape.scale, name: "attention" }),
    reference: ({ q, k, v }) => attentionReference(q, k, v, shape),
    gradient: ({ q, k, v }, { [ONLY]: dOut = [] }) => {
      const { dq, dk, dv } = attentionGradient(q, k, v, dOut, shape);
      return { q: dq, k: dk, v: dv };
    },
    tolerance:
      size > 1
        ? { output: error, gradient: error, differences: Infinity, reference: Infinity }
        : { output: error, gradient: error, differences: 2e-5, reference: 1e-5 },
    samples: 12,
  });
}
