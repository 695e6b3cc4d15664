/**
 * @file Whether a device can bind all tensors of a graph, before anything is allocated. Most operators bind a tensor in
 * ranges of rows; some need all of it at once (attention its queries and its cache).
 */

import { Encoder, type EncoderDevice } from "./encoder.ts";
import { type Graph, encodeGraph } from "./graph.ts";
import { matmulKernels } from "./matmul/registry.ts";
import { isQuantised } from "./quantised.ts";
import { Router } from "./routing/router.ts";
import { BindingError, type Storage, storageIn } from "./storage.ts";
import { type Tensor, tensorBytes } from "./tensor.ts";

/** What a device allows. */
export interface BufferLimits {
  /** Bytes of a binding. */
  readonly maxBinding: number;
  /** Bytes of a buffer. */
  readonly maxBuffer: number;
}

/** Stands for every buffer of a graph that is encoded without one; nothing is bound. */
const NO_BUFFER = {} as GPUBuffer;

/** Encodes a graph without any buffer. @throws BindingError for a tensor that cannot be bound */
export function encodeUnbound(graph: Graph, device: EncoderDevice, maxBinding: number): void {
  const storageOf = (tensor: Tensor): Storage => {
    const storage = storageIn(NO_BUFFER, 0, tensor, maxBinding);
    return isQuantised(tensor.dtype) ? { ...storage, scales: { buffer: NO_BUFFER, offset: 0, size: 16 } } : storage;
  };
  encodeGraph(graph, new Encoder({ storageOf, device }));
}

/** What of a graph is too large for a device. */
export interface Excess {
  /** Bytes of the largest value, where no buffer may be as large; else 0. */
  readonly buffer: number;
  /** Bytes of a tensor that is bound whole, where no binding may be as large; else 0. */
  readonly binding: number;
}

export const NO_EXCESS: Excess = { buffer: 0, binding: 0 };

export function excessOf(graph: Graph, { maxBinding, maxBuffer }: BufferLimits): Excess {
  const largest = graph.tensors.reduce(
    (most, tensor) => (tensor.kind === "weight" ? most : Math.max(most, tensorBytes(tensor))),
    0,
  );
  const buffer = largest > maxBuffer ? largest : 0;
  // Weights are cut wherever they are read; most graphs are not looked at any closer.
  return { buffer, binding: largest <= maxBinding ? 0 : unbindable(graph, maxBinding) };
}

function unbindable(graph: Graph, maxBinding: number): number {
  try {
    encodeUnbound(graph, plainDevice(), maxBinding);
    return 0;
  } catch (error) {
    if (error instanceof BindingError) return error.bytes;
    throw error;
  }
}

export function isExcess({ buffer, binding }: Excess): boolean {
  return buffer > 0 || binding > 0;
}

/** The larger of each. */
export function joinExcess(a: Excess, b: Excess): Excess {
  return { buffer: Math.max(a.buffer, b.buffer), binding: Math.max(a.binding, b.binding) };
}

/** A device without optional features; which kernels are chosen does not change what is bound whole. */
function plainDevice(): EncoderDevice {
  return {
    adapter: { software: false },
    fastPaths: { passed: new Set(), f16Loading: "integers", subgroupSize: 0 },
    matmulKernels,
    router: new Router(),
  };
}
