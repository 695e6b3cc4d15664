/** @file Reproducible numbers that bf16 holds exactly, so that weights in 16 and in 32 bits are the same numbers. */

import { bf16ToF32, f32ToBf16 } from "../../src/weights/dtypes.ts";

/** `count` numbers, uniform in (−spread, spread) around `centre`. */
export function numbers(count: number, seed: number, spread: number, centre = 0): Float32Array<ArrayBuffer> {
  // Mulberry32 (Tommy Ettinger, public domain).
  let state = Math.imul(seed + 1, 0x9e3779b9) >>> 0;
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    const unit = ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    values[i] = bf16ToF32(f32ToBf16(centre + spread * (2 * unit - 1)));
  }
  return values;
}
