/** @file Naive f64 references of the methods' formulas: B·A, C and I - C formed in full. Small sizes only. */

import { type Projector } from "../../src/methods/anchored/plan.ts";

export type Matrix = { readonly rows: number; readonly columns: number; readonly data: Float64Array };

export function matrix(rows: number, columns: number, data: ArrayLike<number>): Matrix {
  if (data.length !== rows * columns) throw new Error(`${data.length} values for ${rows}x${columns}`);
  return { rows, columns, data: Float64Array.from(data) };
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  const data = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i += 1)
    for (let k = 0; k < a.columns; k += 1) {
      const left = a.data[i * a.columns + k] ?? 0;
      for (let j = 0; j < b.columns; j += 1)
        data[i * b.columns + j] = (data[i * b.columns + j] ?? 0) + left * (b.data[k * b.columns + j] ?? 0);
    }
  return { rows: a.rows, columns: b.columns, data };
}

export function transpose(a: Matrix): Matrix {
  const data = new Float64Array(a.data.length);
  for (let i = 0; i < a.rows; i += 1)
    for (let j = 0; j < a.columns; j += 1) data[j * a.rows + i] = a.data[i * a.columns + j] ?? 0;
  return { rows: a.columns, columns: a.rows, data };
}

export function combine(a: Matrix, factor: number, b: Matrix): Matrix {
  return { ...a, data: a.data.map((value, i) => value + factor * (b.data[i] ?? 0)) };
}

export function scaled(a: Matrix, factor: number): Matrix {
  return { ...a, data: a.data.map((value) => factor * value) };
}

export function inner(a: Matrix, b: Matrix): number {
  return a.data.reduce((sum, value, i) => sum + value * (b.data[i] ?? 0), 0);
}

export function normOf(a: Matrix): number {
  return Math.sqrt(inner(a, a));
}

export function identity(size: number): Matrix {
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) data[i * size + i] = 1;
  return { rows: size, columns: size, data };
}

export interface PenaltyCase {
  readonly projector: Projector;
  readonly v: Matrix;
  /** Orthonormal columns; projector rank only. */
  readonly u?: Matrix;
  readonly a: Matrix;
  readonly b: Matrix;
  readonly s: number;
}

/** (I - C) applied to a full matrix. */
function outside({ projector, v, u }: Pick<PenaltyCase, "projector" | "v" | "u">, delta: Matrix): Matrix {
  const norm = normOf(v);
  if (projector === "none" || norm === 0) return delta;
  if (projector === "safe_lora") return combine(delta, -1 / norm, multiply(v, multiply(transpose(v), delta)));
  if (projector === "rank") return u ? combine(delta, -1, multiply(u, multiply(transpose(u), delta))) : delta;
  const along = inner(delta, v);
  return projector === "flat_plus" && along <= 0 ? delta : combine(delta, -along / norm ** 2, v);
}

/** ‖(I - C) s B A‖_F², formed in full. */
export function naivePenalty(input: PenaltyCase): number {
  const rest = outside(input, scaled(multiply(input.b, input.a), input.s));
  return inner(rest, rest);
}

/** Gradient by the chain rule through the full B·A: dP/dΔ = 2 (I - C)ᵀ(I - C) Δ. */
export function naiveGradients(input: PenaltyCase): { a: Matrix; b: Matrix } {
  const { a, b, s } = input;
  const delta = scaled(multiply(b, a), s);
  const gradient = scaled(outside(input, outside(input, delta)), 2 * s);
  return { a: multiply(transpose(b), gradient), b: multiply(gradient, transpose(a)) };
}

/** Central differences of the naive value. */
export function finiteDifferences(input: PenaltyCase, which: "a" | "b", step = 1e-5): Matrix {
  const target = input[which];
  const data = target.data.map((_, i) => {
    const at = (shift: number): number => {
      const moved = Float64Array.from(target.data);
      moved[i] = (moved[i] ?? 0) + shift;
      return naivePenalty({ ...input, [which]: { ...target, data: moved } });
    };
    return (at(step) - at(-step)) / (2 * step);
  });
  return { ...target, data };
}

/** ‖x - y‖ / ‖y‖ (or ‖x‖ where y = 0). */
export function relativeError(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < y.length; i += 1) {
    difference += ((x[i] ?? 0) - (y[i] ?? 0)) ** 2;
    norm += (y[i] ?? 0) ** 2;
  }
  return Math.sqrt(difference) / (Math.sqrt(norm) || 1);
}

/** Standard normal numbers from a seed. */
export function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

export function randomMatrix(rows: number, columns: number, random: () => number, scale = 1): Matrix {
  return matrix(
    rows,
    columns,
    Float32Array.from({ length: rows * columns }, () => scale * random()),
  );
}
