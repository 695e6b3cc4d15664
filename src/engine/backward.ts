/**
 * @file The reverse pass: walks the forward nodes backwards and appends the gradient nodes, but only along paths that
 * reach a wanted tensor. Segments with activation checkpointing are first repeated, then reversed.
 */

import { BasinError } from "../base/error.ts";
import { removeUnread, repeatNodes } from "./activationCheckpointing.ts";
import type { Graph, GraphNode, Tape } from "./graph.ts";
import { type Tensor, elementCount } from "./tensor.ts";

export interface BackwardOptions {
  /** Gradients that arrive from outside the graph: tensor -> its gradient (same shape). May be empty when loss nodes seed themselves. */
  readonly seeds: ReadonlyMap<Tensor, Tensor>;
  /** The tensors whose gradient is wanted: parameters, or in tests any input. */
  readonly wrt: ReadonlySet<Tensor>;
  /** Appends `a + b`, same shape (given by the operators; the graph knows none by name). */
  readonly add: (graph: Graph, a: Tensor, b: Tensor) => Tensor;
}

/**
 * Append the reverse pass of everything that is in the graph now.
 * @returns the gradient of each wanted tensor that is not a parameter (those of parameters are in the flat gradient buffer).
 */
export function backward(graph: Graph, options: BackwardOptions): Map<Tensor, Tensor> {
  const needed = new Set<Tensor>(options.wrt);
  const forwardNodes = [...graph.nodes];
  for (const node of forwardNodes) {
    if (node.inputs.some((input) => needed.has(input))) {
      for (const output of node.outputs) needed.add(output);
    }
  }
  const gradients = new Map<Tensor, Tensor>(options.seeds);
  const tape: Tape = {
    graph,
    needsGradient: (tensor) => needed.has(tensor),
    gradient: (tensor) => gradients.get(tensor),
    setGradient: (tensor, gradient) => {
      sameShape(tensor, gradient);
      gradients.set(tensor, gradient);
    },
    addGradient: (tensor, contribution) => {
      sameShape(tensor, contribution);
      const accumulated = gradients.get(tensor);
      gradients.set(tensor, accumulated ? options.add(graph, accumulated, contribution) : contribution);
    },
    parameterGradient: (parameter) => graph.gradientOf(parameter),
  };
  const isNeeded = (node: GraphNode): boolean => node.inputs.some((input) => needed.has(input));
  const segments = new Map(graph.segments.map((segment) => [segment.end - 1, segment]));
  for (let index = forwardNodes.length - 1; index >= 0; index--) {
    const segment = segments.get(index);
    const node = forwardNodes[index];
    if (segment) {
      const nodes = forwardNodes.slice(segment.first, segment.end);
      if (nodes.some(isNeeded)) reverseRecomputed(nodes);
      index = segment.first;
    } else if (node && isNeeded(node)) {
      reverse(node, tape);
    }
  }

  /** Reverse a segment on values that are computed again. */
  function reverseRecomputed(nodes: readonly GraphNode[]): void {
    const first = graph.nodes.length;
    const rebuilt = repeatNodes(graph, nodes);
    const end = graph.nodes.length;
    for (const [value, copy] of rebuilt.copies) {
      if (needed.has(value)) needed.add(copy);
      const gradient = gradients.get(value);
      if (gradient) gradients.set(copy, gradient);
    }
    for (const node of [...rebuilt.nodes].reverse()) if (isNeeded(node)) reverse(node, tape);
    for (const [value, copy] of rebuilt.copies) {
      const gradient = gradients.get(copy);
      if (gradient && options.wrt.has(value)) gradients.set(value, gradient);
    }
    removeUnread(graph, first, end);
  }

  const wanted = new Map<Tensor, Tensor>();
  for (const tensor of options.wrt) {
    const gradient = gradients.get(tensor);
    if (gradient && tensor.kind !== "parameter") wanted.set(tensor, graph.retain(gradient));
  }
  return wanted;
}

function reverse(node: GraphNode, tape: Tape): void {
  if (!node.operator.backward) {
    throw new BasinError({
      what: `The operator ${node.operator.name} has no gradient`,
      where: node.outputs.map((output) => output.name).join(", "),
      fix: "Do not train a tensor that feeds it.",
    });
  }
  node.operator.backward(node, tape);
}

function sameShape(tensor: Tensor, gradient: Tensor): void {
  if (elementCount(tensor.shape) !== elementCount(gradient.shape)) {
    throw new Error(
      `gradient ${gradient.name} [${gradient.shape.join(", ")}] does not fit ${tensor.name} [${tensor.shape.join(", ")}]`,
    );
  }
}
