/**
 * @file The memory layout of quantised frozen matrices. The kernels (shaders/matmul/quantised.wgsl) and the
 * quantiser (src/weights/quantise.ts) agree on it.
 *
 *   int8         one signed byte an element; one f32 a row: W = q s, s = absmax / 127. The weight part of LLM.int8
 *                (Dettmers et al., arXiv 2208.07339), without its outlier decomposition: activations stay f32.
 *   nf4          half a byte an element, one f32 (absmax) for each 64 elements, counted row by row through the whole
 *                matrix; a block may straddle rows. QLoRA's NormalFloat (Dettmers et al., arXiv 2305.14314), packed as
 *                bitsandbytes does: the even element in the high half of its byte.
 *   nf4_double   the same with absmax in 8 bits: absmax = MAP[code] m + mean, one m (f32) for each 256 blocks.
 *
 * Rows may have any length: rows that are multiples of 4 elements (nf4: of 64) take the fast kernels, others are read
 * an element at a time.
 */

import { type DType, type QuantisedDType, type Tensor, elementCount } from "./tensor.ts";

/** Elements that share one absmax. */
export const NF4_BLOCK = 64;

/** Blocks whose absmax share one scale in nf4_double. */
export const DOUBLE_GROUP = 256;

/** bitsandbytes' table; each is a float32. */
export const NF4_VALUES: readonly number[] = [
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
];

/** Words before the scales of the groups in nf4_double: the map, the mean, and where the codes begin. */
export const DOUBLE_HEADER = { mean: 256, codesBegin: 257, groups: 258 } as const;

export function isQuantised(dtype: DType): dtype is QuantisedDType {
  return dtype === "int8" || dtype === "nf4" || dtype === "nf4_double";
}

type Matrix = Pick<Tensor, "shape" | "dtype">;

/** Blocks of 64 elements, the last one perhaps shorter. */
export function blockCount({ shape }: Pick<Tensor, "shape">): number {
  return Math.ceil(elementCount(shape) / NF4_BLOCK);
}

/** Bytes of the scales that belong to a tensor; 0 for one that is not quantised. */
export function scaleBytes(tensor: Matrix): number {
  switch (tensor.dtype) {
    case "int8":
      return 4 * (tensor.shape[0] ?? 1);
    case "nf4":
      return 4 * blockCount(tensor);
    case "nf4_double":
      return 4 * (codesBegin(tensor) + Math.ceil(blockCount(tensor) / 4));
    default:
      return 0;
  }
}

/** Word at which nf4_double's 8-bit codes begin. */
export function codesBegin(tensor: Pick<Tensor, "shape">): number {
  return DOUBLE_HEADER.groups + Math.ceil(blockCount(tensor) / DOUBLE_GROUP);
}
