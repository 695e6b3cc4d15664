/**
 * @file Dropout without state: the mask is a pure function of (seed, counter, stream, element index), so that the
 * reverse pass recomputes it and the host can check it.
 *
 * Four neighbouring elements take the four words of pcg4d(seed, counter, stream, index >> 2), the hash of Jarzynski &
 * Olano, "Hash Functions for GPU Rendering", Journal of Computer Graphics Techniques 9(3), 2020. An element survives
 * when the top 24 bits of its word are at least round(p · 2^24). `seed` and `counter` come with each batch (see
 * batchScalars.ts), `stream` differs between modules.
 */

import { BasinError } from "../../base/error.ts";
import type { Tensor } from "../tensor.ts";

export interface DropoutOptions {
  /** Probability that an element is dropped, 0 <= p < 1. */
  readonly p: number;
  /** Number of this mask; different for each module. */
  readonly stream: number;
  /** The `batch` input, u32[4]. */
  readonly batch: Tensor;
}

/** As kernels take it. */
export interface DropoutParams {
  /** 0: nothing is dropped. */
  readonly dropThreshold: number;
  /** 1 / (1 - p) */
  readonly dropScale: number;
  readonly stream: number;
}

/** round(p · 2^24); 0 means that nothing is dropped. @throws BasinError when p is not in [0, 1). */
export function dropThreshold(p: number): number {
  if (!(p >= 0 && p < 1)) {
    throw new BasinError({
      what: `A dropout probability of ${p} is not possible`,
      where: "lora_dropout",
      fix: "Choose a number from 0 up to, but not including, 1.",
    });
  }
  return Math.round(p * 2 ** 24);
}

/** The four 32-bit words of pcg4d; all arithmetic modulo 2^32. */
export function pcg4d(a: number, b: number, c: number, d: number): readonly [number, number, number, number] {
  const start = (word: number): number => (Math.imul(word, 1664525) + 1013904223) >>> 0;
  let x = start(a);
  let y = start(b);
  let z = start(c);
  let w = start(d);
  const mix = (): void => {
    x = (x + Math.imul(y, w)) >>> 0;
    y = (y + Math.imul(z, x)) >>> 0;
    z = (z + Math.imul(x, y)) >>> 0;
    w = (w + Math.imul(y, z)) >>> 0;
  };
  mix();
  x = (x ^ (x >>> 16)) >>> 0;
  y = (y ^ (y >>> 16)) >>> 0;
  z = (z ^ (z >>> 16)) >>> 0;
  w = (w ^ (w >>> 16)) >>> 0;
  mix();
  return [x, y, z, w];
}

/** The kernels' mask on the host: whether element `index` (row · width + column) survives. */
export function dropoutKeeps(seed: number, counter: number, stream: number, index: number, p: number): boolean {
  const words = pcg4d(seed >>> 0, counter >>> 0, stream >>> 0, Math.floor(index / 4));
  return (words[index % 4] ?? 0) >>> 8 >= dropThreshold(p);
}

/** The kernels' dropout parameters; none when `p` is 0. */
export function dropoutParams(dropout: DropoutOptions | undefined): DropoutParams {
  if (!dropout) return { dropThreshold: 0, dropScale: 1, stream: 0 };
  return { dropThreshold: dropThreshold(dropout.p), dropScale: 1 / (1 - dropout.p), stream: dropout.stream };
}
