/** @file Numbers for operator tests: seeded normal values, 16-bit weights, relative errors, central differences. */

import type { Gpu } from "../../src/engine/device.ts";
import type { DType } from "../../src/engine/tensor.ts";

/** `count` values of a standard normal distribution times `scale` (mulberry32 and Box–Muller), rounded to f32. */
export function normal(count: number, seed: number, scale = 1): Float32Array {
  let state = seed * 0x9e3779b9 + 1;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => scale * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

/** ‖a − b‖ / ‖b‖ (Frobenius); ‖a‖ when b is zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    difference += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
    norm += (b[i] ?? 0) ** 2;
  }
  return Math.sqrt(norm > 0 ? difference / norm : difference);
}

export interface StoredWeights {
  /** What the device gets. */
  readonly bytes: ArrayBufferView;
  /** What those bytes mean. */
  readonly values: Float64Array;
}

/** Values in a checkpoint's type: 16-bit types are truncated, which is as good as rounding for a test. */
export function store(values: Float32Array, dtype: DType): StoredWeights {
  if (dtype === "f32") return { bytes: values, values: Float64Array.from(values) };
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(2 * Math.ceil(values.length / 2));
  const exact = new Float64Array(values.length);
  bits.forEach((word, i) => {
    if (dtype === "bf16") {
      halves[i] = word >>> 16;
      exact[i] = new Float32Array(new Uint32Array([word & 0xffff0000]).buffer)[0] ?? 0;
      return;
    }
    const exponent = ((word >>> 23) & 255) - 127;
    const clamped = Math.max(-14, Math.min(15, exponent));
    const mantissa = exponent === clamped ? (word >>> 13) & 1023 : 0;
    halves[i] = ((word >>> 16) & 0x8000) | ((clamped + 15) << 10) | mantissa;
    exact[i] = (word >>> 31 ? -1 : 1) * 2 ** clamped * (1 + mantissa / 1024);
  });
  return { bytes: halves, values: exact };
}

/** Central differences of `f` along the coordinates `at` of `x`. */
export function centralDifferences(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  at: readonly number[],
  h = 1e-4,
): number[] {
  const moved = Float64Array.from(x);
  return at.map((i) => {
    const value = x[i] ?? 0;
    moved[i] = value + h;
    const above = f(moved);
    moved[i] = value - h;
    const below = f(moved);
    moved[i] = value;
    return (above - below) / (2 * h);
  });
}

/** `count` coordinates spread over an array of `length`. */
export function spread(length: number, count = 24): number[] {
  const step = Math.max(1, Math.floor(length / count));
  return Array.from({ length: Math.min(count, length) }, (_, i) => (i * step + ((i * 7) % step)) % length);
}

export function pick(values: ArrayLike<number>, at: readonly number[]): number[] {
  return at.map((i) => values[i] ?? Number.NaN);
}

export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** The same device, but kernels are chosen as for a real (or a software) adapter. */
export function pretend(gpu: Gpu, software: boolean): Gpu {
  return { ...gpu, adapter: { ...gpu.adapter, software } };
}
