/** @file Measures of disagreement, and a tally of the worst figure of each kind that a test file met. */

import { afterAll } from "vitest";

/**
 * About ten times the worst that is measured over all fixtures (docs/exactness.md). Not to be loosened.
 */
export const TOLERANCE = {
  /** Of a token, absolute. */
  logProbability: 7e-5,
  /** Of A or B, relative (Frobenius). */
  gradient: 1e-4,
  /** Cross-entropy or penalty, absolute; a loss that is larger than 1 by its size. */
  loss: 2e-5,
  /** Of the gradients' norm, relative. */
  gradNorm: 1e-5,
  /** B·A of a module after 24 steps, relative. */
  update: 7e-5,
} as const;

/** ‖a − b‖ / ‖b‖ (Frobenius); against a zero `b` it is 0 only if `a` is exactly zero, else infinite. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i += 1) {
    difference += ((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)) ** 2;
    norm += (b[i] ?? Number.NaN) ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

/** Largest |a − b|. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let most = 0;
  for (let i = 0; i < b.length; i += 1) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    // Not Math.max alone: NaN must not pass.
    if (!(difference <= most)) most = difference;
  }
  return most;
}

/** B·A of one module, out x in, row-major, in double precision. */
export function product(B: Float32Array, A: Float32Array, r: number): Float64Array {
  const [out, input] = [B.length / r, A.length / r];
  const result = new Float64Array(out * input);
  for (let i = 0; i < out; i += 1) {
    for (let k = 0; k < r; k += 1) {
      const b = B[i * r + k] ?? Number.NaN;
      for (let j = 0; j < input; j += 1)
        result[i * input + j] = (result[i * input + j] ?? 0) + b * (A[k * input + j] ?? Number.NaN);
    }
  }
  return result;
}

/** Collects the worst figure per row and column and prints them as a table when the file's tests are done. */
export class Tally {
  readonly #worst = new Map<string, Record<string, string>>();
  readonly #values = new Map<string, number>();

  constructor(title: string) {
    afterAll(() => {
      console.log(title);
      console.table(Object.fromEntries(this.#worst));
    });
  }

  /** @returns the value, so that it can be asserted on */
  add(row: string, column: string, value: number): number {
    const key = `${row}\n${column}`;
    const worst = this.#values.get(key);
    if (worst === undefined || !(value <= worst)) {
      this.#values.set(key, value);
      this.#worst.set(row, { ...this.#worst.get(row), [column]: value.toExponential(1) });
    }
    return value;
  }
}
