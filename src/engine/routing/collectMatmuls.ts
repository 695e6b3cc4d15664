/** @file Collects the matmuls of a graph for the device's router before any of its tensors is allocated. */

import { type Gpu, createBuffer } from "../device.ts";
import { Encoder } from "../encoder.ts";
import { type Graph, encodeGraph } from "../graph.ts";
import { isQuantised } from "../quantised.ts";
import { type Storage, storageIn } from "../storage.ts";
import type { Tensor } from "../tensor.ts";

/**
 * Encodes the graph, so that `gpu.router` knows all of its matmuls. Nothing is compiled, and nothing allocated but 16
 * bytes that stand in for every tensor.
 */
export async function collectMatmuls(gpu: Gpu, graph: Graph): Promise<void> {
  const buffer = await createBuffer(gpu, 16, GPUBufferUsage.STORAGE, "placeholder");
  try {
    const storageOf = (tensor: Tensor): Storage => {
      const storage = storageIn(buffer, 0, tensor, gpu.maxBinding);
      return isQuantised(tensor.dtype) ? { ...storage, scales: { buffer, offset: 0, size: 16 } } : storage;
    };
    const encoder = new Encoder({ storageOf, device: gpu });
    encodeGraph(graph, encoder);
  } finally {
    buffer.destroy();
  }
}
