/**
 * @file Tensors as the graph sees them: a name, a static shape, a type and where the bytes live.
 *
 *   weight      frozen, from a checkpoint, in the type it is stored in or quantised while it is loaded
 *   parameter   trainable, f32, a slice of the one flat parameter buffer
 *   gradient    the matching slice of the flat gradient buffer; kernels add to it
 *   input       written by the host before a step (token ids, positions, step scalars) or a persistent state (KV cache)
 *   value       an intermediate; the plan gives it a slot for as long as it is needed
 */

/** Of frozen matrices only, see quantised.ts. */
export type QuantisedDType = "int8" | "nf4" | "nf4_double";
export type DType = "f32" | "bf16" | "f16" | "u32" | QuantisedDType;
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

/**
 * Bytes of one row (all dimensions but the first). Rows of 16 bits may be an odd number of halves, rows of 4 bits may
 * end within a byte.
 */
export function rowBytes(tensor: Pick<Tensor, "shape" | "dtype">): number {
  return elementCount(tensor.shape.slice(1)) * dtypeBytes(tensor.dtype);
}

export function dtypeBytes(dtype: DType): number {
  switch (dtype) {
    case "bf16":
    case "f16":
      return 2;
    case "int8":
      return 1;
    case "nf4":
    case "nf4_double":
      return 0.5;
    default:
      return 4;
  }
}

/** Bytes of the whole tensor, rounded up to WebGPU's 4-byte copies; without the scales of a quantised one. */
export function tensorBytes(tensor: Pick<Tensor, "shape" | "dtype">): number {
  return Math.ceil((elementCount(tensor.shape) * dtypeBytes(tensor.dtype)) / 4) * 4;
}
