/** @file The dispatches of a graph without a device: buffers are sizes only. */

import { type Dispatch, Encoder, type EncoderDevice } from "../../src/engine/encoder.ts";
import { type Graph, encodeGraph } from "../../src/engine/graph.ts";
import { NO_FAST_PATHS } from "../../src/engine/matmul/fastPath.ts";
import { matmulKernels } from "../../src/engine/matmul/registry.ts";
import type { MemoryPlan } from "../../src/engine/plan.ts";
import { Router } from "../../src/engine/routing/router.ts";
import { type Storage, storageIn } from "../../src/engine/storage.ts";
import { type Tensor, tensorBytes } from "../../src/engine/tensor.ts";

const PLAIN_GPU: EncoderDevice = {
  adapter: { software: false },
  fastPaths: NO_FAST_PATHS,
  matmulKernels,
  router: new Router(),
};

/** What a program of this graph would dispatch, slots shared as planned, nothing split. */
export function dispatchesOf(
  graph: Graph,
  { slots, slotOf }: MemoryPlan,
  device: EncoderDevice = PLAIN_GPU,
): readonly Dispatch[] {
  // Views are only compared and never bound, so a buffer need be no more than an object of its own.
  const buffer = (size: number): GPUBuffer => ({ size }) as Partial<GPUBuffer> as GPUBuffer;
  const buffers = slots.map(buffer);
  const known = new Map<Tensor, Storage>();
  const storageOf = (tensor: Tensor): Storage => {
    const found = known.get(tensor);
    if (found) return found;
    const storage = storageIn(buffers[slotOf.get(tensor) ?? -1] ?? buffer(tensorBytes(tensor)), 0, tensor, 2 ** 31);
    known.set(tensor, storage);
    return storage;
  };
  const encoder = new Encoder({ storageOf, device });
  encodeGraph(graph, encoder);
  return encoder.dispatches;
}
