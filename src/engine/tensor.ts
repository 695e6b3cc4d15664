/**
 * @file Tensors as the graph sees them: a name, a static shape, a type and where the bytes live.
 *
 *   weight      frozen, from a checkpoint, kept in the type it is stored in
 *   parameter   trainable, f32, a slice of the one flat parameter buffer
 *   gradient    the matching slice of the flat gradient buffer; kernels add to it
 *   input       written by the host before a step (token ids, positions, step scalars) or a persistent state (KV cache)
 *   value       an intermediate; the plan gives it a place for as long as it is needed
 */

export type DType = "f32" | "bf16" | "f16" | "u32";
export type Shape = readonly number[];
export type TensorKind = "weight" | "parameter" | "gradient" | "input" | "value";

export interface Tensor {
  readonly id: number;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly kind: TensorKind;
}

export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of one row (everything behind the first dimension). 16-bit rows may be an odd number of halves. */
export function rowBytes(tensor: Pick<Tensor, "shape" | "dtype">): number {
  return elementCount(tensor.shape.slice(1)) * dtypeBytes(tensor.dtype);
}

export function dtypeBytes(dtype: DType): number {
  return dtype === "bf16" || dtype === "f16" ? 2 : 4;
}

/** Bytes of the whole tensor, rounded up to WebGPU's 4-byte copies. */
export function tensorBytes(tensor: Pick<Tensor, "shape" | "dtype">): number {
  return Math.ceil((elementCount(tensor.shape) * dtypeBytes(tensor.dtype)) / 4) * 4;
}
