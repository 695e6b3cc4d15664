/**
 * @file The three number formats of checkpoints, bit by bit: conversion to and from float32, and a scan for values
 * that are not finite.
 *
 *     float32   1 sign | 8 exponent | 23 fraction
 *     bfloat16  1 sign | 8 exponent |  7 fraction   (the upper half of a float32)
 *     float16   1 sign | 5 exponent | 10 fraction
 *
 * Rounding is to nearest, ties to even, as PyTorch does; NaN stays NaN. Everything is little-endian, like the file
 * format and every machine that WebGPU runs on.
 */
import type { CheckpointDType } from "./tensorReader.ts";

/** Bytes per element. */
export const DTYPE_BYTES: Readonly<Record<CheckpointDType, number>> = { F32: 4, F16: 2, BF16: 2 };

const scratch = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

function floatOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** The bfloat16 nearest to a float32, as its 16 bits. */
export function f32ToBf16(value: number): number {
  return bf16Bits(bitsOf(value));
}

function bf16Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function bf16ToF32(half: number): number {
  return floatOf((half << 16) >>> 0);
}

/** The float16 nearest to a float32, as its 16 bits; beyond 65504 it is infinite. */
export function f32ToF16(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14: subnormal, a multiple of 2^-24. Scaling is exact, so rounding the quotient rounds once.
    return sign | roundHalfEven(Math.abs(floatOf(bits)) * 2 ** 24);
  }
  const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
  return sign | (rounded >>> 13);
}

export function f16ToF32(half: number): number {
  const sign = (half & 0x8000) !== 0 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/** Little-endian bytes of `dtype` as float32 values; `bytes` must hold whole elements. */
export function toFloat32(bytes: Uint8Array, dtype: CheckpointDType): Float32Array<ArrayBuffer> {
  const count = bytes.byteLength / DTYPE_BYTES[dtype];
  if (dtype === "F32") {
    const copy = new Uint8Array(bytes);
    return new Float32Array(copy.buffer, 0, count);
  }
  if (dtype === "BF16") {
    // Whole words: a checkpoint has billions of them.
    const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
    const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
    const words = new Uint32Array(count);
    for (let i = 0; i < count; i += 1) words[i] = (halves[i] ?? 0) << 16;
    return new Float32Array(words.buffer);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 1) out[i] = f16ToF32(view.getUint16(2 * i, true));
  return out;
}

/** Float32 values as little-endian bytes of `dtype`. */
export function fromFloat32(values: Float32Array, dtype: CheckpointDType): Uint8Array<ArrayBuffer> {
  if (dtype === "F32") return new Uint8Array(Float32Array.from(values).buffer);
  const halves = new Uint16Array(values.length);
  if (dtype === "F16") {
    for (let i = 0; i < values.length; i += 1) halves[i] = f32ToF16(values[i] ?? 0);
  } else {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < words.length; i += 1) halves[i] = bf16Bits(words[i] ?? 0);
  }
  return new Uint8Array(halves.buffer);
}

/**
 * Index (within the chunk) of the first element that is NaN or infinite, or -1. A number is not finite exactly when
 * all of its exponent bits are set, so this is one mask and one comparison per element, two elements per word.
 */
export function scanFinite(chunk: Uint8Array, dtype: CheckpointDType): number {
  const aligned = chunk.byteOffset % 4 === 0 ? chunk : new Uint8Array(chunk);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
  const mask = dtype === "F32" ? 0x7f800000 : dtype === "BF16" ? 0x7f80 : 0x7c00;
  if (dtype === "F32") {
    for (let i = 0; i < words.length; i += 1) {
      if (((words[i] ?? 0) & mask) === mask) return i;
    }
    return -1;
  }
  const high = mask << 16;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? 0;
    if ((word & mask) === mask) return 2 * i;
    if ((word & high) === high) return 2 * i + 1;
  }
  const rest = aligned.byteLength & 3;
  if (rest >= 2) {
    const at = aligned.byteLength - rest;
    const last = (aligned[at] ?? 0) | ((aligned[at + 1] ?? 0) << 8);
    if ((last & mask) === mask) return at / 2;
  }
  return -1;
}
