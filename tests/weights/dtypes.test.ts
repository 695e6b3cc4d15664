/** @file Number formats: every half-precision value, rounding at ties, and the scan for values that are not finite. */
import { describe, expect, it } from "vitest";
import {
  bf16ToF32,
  f16ToF32,
  f32ToBf16,
  f32ToF16,
  fromFloat32,
  scanFinite,
  toFloat32,
} from "../../src/weights/dtypes.ts";

const from = (bits: number): number => new Float32Array(new Uint32Array([bits]).buffer)[0] ?? NaN;

describe("conversion", () => {
  it("round-trips all 65,536 half values", () => {
    const wrong: number[] = [];
    for (let half = 0; half < 65536; half += 1) {
      const nan16 = (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
      if (nan16 ? !Number.isNaN(f16ToF32(half)) : f32ToF16(f16ToF32(half)) !== half) wrong.push(half);
      const nanB = (half & 0x7f80) === 0x7f80 && (half & 0x7f) !== 0;
      if (nanB ? !Number.isNaN(bf16ToF32(half)) : f32ToBf16(bf16ToF32(half)) !== half) wrong.push(half);
    }
    expect(wrong).toEqual([]);
  });

  it("converts float16's landmarks: subnormals, largest, infinities", () => {
    expect([0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00, 0x3555].map(f16ToF32)).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      2 ** -14,
      Infinity,
      -Infinity,
      0.333251953125,
    ]);
  });

  it("rounds to the nearest, ties to even, between every two neighbours", () => {
    const wrong: string[] = [];
    for (let half = 0; half < 0x7bff; half += 1) {
      const [low, high] = [f16ToF32(half), f16ToF32(half + 1)];
      const middle = (low + high) / 2; // exact in float32
      const even = half % 2 === 0 ? half : half + 1;
      if (f32ToF16(middle) !== even) wrong.push(`f16 ${half}`);
      if (f32ToF16(-middle) !== (even | 0x8000)) wrong.push(`f16 -${half}`);
    }
    for (let half = 0; half < 0x7f7f; half += 97) {
      const bits = half << 16;
      const even = half % 2 === 0 ? half : half + 1;
      if (f32ToBf16(from(bits | 0x8000)) !== even) wrong.push(`bf16 tie ${half}`);
      if (f32ToBf16(from(bits | 0x8001)) !== half + 1) wrong.push(`bf16 above ${half}`);
      if (f32ToBf16(from(bits | 0x7fff)) !== half) wrong.push(`bf16 below ${half}`);
    }
    expect(wrong).toEqual([]);
  });

  it("overflows to infinity where PyTorch does", () => {
    expect(f32ToF16(65519.996)).toBe(0x7bff);
    expect(f32ToF16(65520)).toBe(0x7c00);
    expect(f32ToF16(-1e10)).toBe(0xfc00);
    expect(f32ToF16(2 ** -25)).toBe(0); // a tie with zero
    expect(f32ToF16(2 ** -25 * 1.0001)).toBe(1);
    expect(f32ToBf16(3.4e38)).toBe(0x7f80);
    expect(Number.isNaN(bf16ToF32(f32ToBf16(NaN)))).toBe(true);
  });

  it("works on arrays at any byte offset", () => {
    const values = new Float32Array([0.5, -1.25, 3]);
    for (const dtype of ["F32", "F16", "BF16"] as const) {
      const bytes = fromFloat32(values, dtype);
      const shifted = new Uint8Array(bytes.byteLength + 3);
      shifted.set(bytes, 3);
      expect(toFloat32(shifted.subarray(3), dtype)).toEqual(values);
    }
  });
});

describe("scanFinite", () => {
  it.each(["F32", "F16", "BF16"] as const)("finds the first broken value of %s at any place and offset", (dtype) => {
    for (const length of [1, 2, 3, 8, 9]) {
      for (let at = 0; at < length; at += 1) {
        for (const broken of [NaN, Infinity, -Infinity]) {
          const values = new Float32Array(length).map((_, i) => (i % 2 === 0 ? 65504 : -1e-7));
          expect(scanFinite(fromFloat32(values, dtype), dtype)).toBe(-1);
          values[at] = broken;
          const bytes = fromFloat32(values, dtype);
          expect(scanFinite(bytes, dtype)).toBe(at);
          const shifted = new Uint8Array(bytes.byteLength + 1);
          shifted.set(bytes, 1);
          expect(scanFinite(shifted.subarray(1), dtype)).toBe(at);
        }
      }
    }
  });
});
