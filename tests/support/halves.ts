/** @file 16-bit weights for tests: packed as a checkpoint has them, and the f64 values that they stand for. */

import type { DType } from "../../src/engine/tensor.ts";

export interface StoredWeight {
  /** As uploaded. */
  readonly bytes: Uint8Array;
  /** What the stored numbers mean. */
  readonly values: Float64Array;
}

/** Round `values` to a weight type. Rounding is towards zero for bf16: tests need known numbers, not good ones. */
export function storeWeight(values: ArrayLike<number>, dtype: DType): StoredWeight {
  if (dtype === "f32") {
    const single = Float32Array.from(values);
    return { bytes: new Uint8Array(single.buffer), values: Float64Array.from(single) };
  }
  const halves = Uint16Array.from(values, (value) => (dtype === "bf16" ? bits(value) >>> 16 : toF16(value)));
  return {
    bytes: new Uint8Array(halves.buffer),
    values: Float64Array.from(halves, (half) => (dtype === "bf16" ? single(half << 16) : fromF16(half))),
  };
}

function bits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

function single(word: number): number {
  return new Float32Array(Uint32Array.of(word).buffer)[0] ?? 0;
}

function toF16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | (((exponent + 15) << 10) + Math.floor((size / 2 ** exponent - 1) * 1024));
}

export function fromF16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}
