/** @file Dispatches of kernels that treat every element alike. */

import type { Encoder } from "../encoder.ts";
import type { Constants, KernelFamily, ParamsOf } from "../kernel.ts";
import type { Tensor } from "../tensor.ts";
import { rowBytes } from "../tensor.ts";

export interface ElementwiseRequest<F extends KernelFamily> {
  readonly family: F;
  readonly entry: string;
  readonly constants?: Constants;
  /** f32, all of one shape, by their WGSL names. A binding that the entry does not have may be undefined. */
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
  /** For a dispatch over this many elements. */
  readonly params: (count: number) => ParamsOf<F>;
  /** Elements of a workgroup. */
  readonly perGroup: number;
  /** Floating-point operations of an element. */
  readonly flops: number;
}

/** Append one dispatch for each range of rows that all tensors can be bound in. */
export function encodeElementwise<F extends KernelFamily>(encoder: Encoder, request: ElementwiseRequest<F>): void {
  const { family, entry, constants, tensors, params, perGroup, flops } = request;
  const bound = Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [{ name, tensor }] : []));
  const [first] = bound;
  if (!first) return;
  for (const range of encoder.ranges(...bound.map(({ tensor }) => tensor))) {
    const count = (range.rows * rowBytes(first.tensor)) / 4;
    encoder.dispatch({
      family,
      entry,
      ...(constants ? { constants } : {}),
      bindings: Object.fromEntries(bound.map(({ name, tensor }) => [name, encoder.rows(tensor, range)])),
      params: params(count),
      groups: count / perGroup,
      flops: flops * count,
    });
  }
}
