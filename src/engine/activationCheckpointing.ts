/**
 * @file Activation checkpointing (Chen et al. 2016, arXiv 1604.06174; torch.utils.checkpoint): the reverse pass
 * recomputes activations instead of reading stored ones.
 *
 * A segment is a run of forward nodes, usually one layer (`Graph.checkpointActivations`). The reverse pass first
 * appends the segment's nodes once more, on new values, and reverses those. So only what enters a segment lives from
 * the forward to the reverse pass, at the price of computing the segment twice.
 *
 *     stored        x0 ▸ [layer 0] ▸ x1 ▸ [layer 1] ▸ x2 ▸ loss ▸ ∂x2 ▸ [∂ layer 1] ▸ ∂x1 ▸ [∂ layer 0]
 *     recomputed    x0 ▸ (layer 0) ▸ x1 ▸ (layer 1) ▸ x2 ▸ loss ▸ ∂x2 ▸ (layer 1)' ▸ [∂ layer 1] ▸ ∂x1 ▸ (layer 0)' ▸ …
 *
 * The second time equals the first bit for bit: same kernels, same order, and dropout masks are functions of counters
 * (operators/dropout.ts). Nodes whose values the reverse pass never reads (a layer's last matmul and sum) are not
 * repeated. All of this works on nodes, so a model only has to say where its layers begin.
 */

import type { Graph, GraphNode } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

export interface RepeatedNodes {
  /** The repeated nodes, in order; they are the last of the graph. */
  readonly nodes: readonly GraphNode[];
  /** Value of the first pass -> the same value of the second. */
  readonly copies: ReadonlyMap<Tensor, Tensor>;
}

/** Append nodes once more, on new values; other tensors that they read stay the same. */
export function repeatNodes(graph: Graph, nodes: readonly GraphNode[]): RepeatedNodes {
  const copies = new Map<Tensor, Tensor>();
  for (const { outputs } of nodes) {
    for (const output of outputs) {
      if (output.kind === "value" && !copies.has(output))
        copies.set(output, graph.value(output.name, output.shape, output.dtype));
    }
  }
  const of = (tensor: Tensor): Tensor => copies.get(tensor) ?? tensor;
  const repeated = nodes.map(
    ({ operator, attributes, inputs, outputs }): GraphNode => ({
      operator,
      attributes: substitute(attributes, copies),
      inputs: inputs.map(of),
      outputs: outputs.map(of),
    }),
  );
  graph.nodes.push(...repeated);
  return { nodes: repeated, copies };
}

/** Drop those of the nodes [first, end) that write only values which no later node reads. */
export function removeUnread(graph: Graph, first: number, end: number): void {
  const read = new Set<Tensor>(graph.retained);
  for (const { inputs } of graph.nodes.slice(end)) for (const input of inputs) read.add(input);
  const live: GraphNode[] = [];
  for (const node of graph.nodes.slice(first, end).reverse()) {
    if (!node.outputs.some((output) => output.kind !== "value" || read.has(output))) continue;
    for (const input of node.inputs) read.add(input);
    live.push(node);
  }
  graph.nodes.splice(first, end - first, ...live.reverse());
}

/** Attributes are trees of plain objects: tensors in them are replaced by their copies, everything else is shared. */
function substitute(value: unknown, copies: ReadonlyMap<Tensor, Tensor>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isTensor(value)) return copies.get(value) ?? value;
  if (Array.isArray(value)) return value.map((item: unknown) => substitute(item, copies));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, copies)]));
}

function isTensor(value: object): value is Tensor {
  return "id" in value && "shape" in value && "dtype" in value && "kind" in value;
}
