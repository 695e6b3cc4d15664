/** @file Collects the matmuls of a graph for the device's router before any of its tensors is allocated. */

import { encodeUnbound } from "../bindable.ts";
import type { Gpu } from "../device.ts";
import type { Graph } from "../graph.ts";

/** Encodes the graph, so that `gpu.router` knows all of its matmuls. Nothing is compiled and nothing allocated. */
export function collectMatmuls(gpu: Gpu, graph: Graph): void {
  encodeUnbound(graph, gpu, gpu.maxBinding);
}
