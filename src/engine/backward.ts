/**
 * @file The reverse pass. It walks the forward nodes backwards and appends the gradient nodes, but only along paths
 * that reach a tensor of `wrt`: a frozen weight never gets a gradient buffer, and the input of the first adapted layer
 * gets no gradient at all. Segments with activation checkpointing are first repeated, then reversed.
 *
 *     x ──▶ rmsNorm ──▶ linear(W frozen, A, B) ──▶ …          forward, appended by the model
 *     ∂x ◀── rmsNormBackward ◀── matmul(∂y, W) ◀── …          appended by backward()
 *                                 └▶ gradA += …, gradB += …   accumulated into the flat gradient buffer
 */

import { BasinError } from "../base/error.ts";
import { removeUnread, repeatNodes } from "./activationCheckpointing.ts";
import type { Graph, GraphNode, Tape } from "./graph.ts";
import { type Tensor, elementCount } from "./tensor.ts";

export interface BackwardOptions {
  /** Gradients that come from outside the graph, each shaped as its tensor. May be empty: losses seed themselves. */
  readonly seeds: ReadonlyMap<Tensor, Tensor>;
  /** The tensors to differentiate with respect to: parameters, or in tests any input. */
  readonly wrt: ReadonlySet<Tensor>;
  /** Appends `a + b`, same shape (passed in, because the graph knows no operator). */
  readonly add: (graph: Graph, a: Tensor, b: Tensor) => Tensor;
}

/**
 * Append the reverse pass of everything that is in the graph now.
 * @returns the gradient of each tensor of `wrt` that is not a parameter (parameters have theirs in the flat buffer)
 * @throws BasinError when an operator on the way has no gradient
 */
export function backward(graph: Graph, options: BackwardOptions): Map<Tensor, Tensor> {
  return new ReversePass(graph, options).run();
}

class ReversePass implements Tape {
  readonly graph: Graph;
  readonly #options: BackwardOptions;
  readonly #forward: readonly GraphNode[];
  /** `wrt` and whatever depends on it. */
  readonly #needed: Set<Tensor>;
  readonly #gradients: Map<Tensor, Tensor>;

  constructor(graph: Graph, options: BackwardOptions) {
    this.graph = graph;
    this.#options = options;
    this.#forward = [...graph.nodes];
    this.#needed = new Set(options.wrt);
    this.#gradients = new Map(options.seeds);
    for (const node of this.#forward) {
      if (this.#isNeeded(node)) for (const output of node.outputs) this.#needed.add(output);
    }
  }

  run(): Map<Tensor, Tensor> {
    const segments = new Map(this.graph.segments.map((segment) => [segment.end - 1, segment]));
    for (let index = this.#forward.length - 1; index >= 0; index--) {
      const segment = segments.get(index);
      const node = this.#forward[index];
      if (segment) {
        this.#reverseSegment(this.#forward.slice(segment.first, segment.end));
        index = segment.first;
      } else if (node) {
        this.#reverse(node);
      }
    }
    const results = new Map<Tensor, Tensor>();
    for (const tensor of this.#options.wrt) {
      const gradient = this.#gradients.get(tensor);
      if (gradient && tensor.kind !== "parameter") results.set(tensor, this.graph.retain(gradient));
    }
    return results;
  }

  needsGradient(tensor: Tensor): boolean {
    return this.#needed.has(tensor);
  }

  gradient(tensor: Tensor): Tensor | undefined {
    return this.#gradients.get(tensor);
  }

  setGradient(tensor: Tensor, gradient: Tensor): void {
    checkShapes(tensor, gradient);
    this.#gradients.set(tensor, gradient);
  }

  addGradient(tensor: Tensor, contribution: Tensor): void {
    checkShapes(tensor, contribution);
    const accumulated = this.#gradients.get(tensor);
    this.#gradients.set(tensor, accumulated ? this.#options.add(this.graph, accumulated, contribution) : contribution);
  }

  parameterGradient(parameter: Tensor): Tensor {
    return this.graph.gradientOf(parameter);
  }

  #isNeeded(node: GraphNode): boolean {
    return node.inputs.some((input) => this.#needed.has(input));
  }

  #reverse(node: GraphNode): void {
    if (!this.#isNeeded(node)) return;
    if (!node.operator.backward) {
      throw new BasinError({
        what: `The operator ${node.operator.name} has no gradient`,
        where: node.outputs.map((output) => output.name).join(", "),
        fix: "Do not train a tensor that feeds it.",
      });
    }
    node.operator.backward(node, this);
  }

  /** Reverses a segment on recomputed values. */
  #reverseSegment(nodes: readonly GraphNode[]): void {
    if (!nodes.some((node) => this.#isNeeded(node))) return;
    const first = this.graph.nodes.length;
    const repeated = repeatNodes(this.graph, nodes);
    const end = this.graph.nodes.length;
    for (const [value, copy] of repeated.copies) {
      if (this.#needed.has(value)) this.#needed.add(copy);
      const gradient = this.#gradients.get(value);
      if (gradient) this.#gradients.set(copy, gradient);
    }
    for (const node of [...repeated.nodes].reverse()) this.#reverse(node);
    for (const [value, copy] of repeated.copies) {
      const gradient = this.#gradients.get(copy);
      if (gradient && this.#options.wrt.has(value)) this.#gradients.set(value, gradient);
    }
    removeUnread(this.graph, first, end);
  }
}

function checkShapes(tensor: Tensor, gradient: Tensor): void {
  if (elementCount(tensor.shape) === elementCount(gradient.shape)) return;
  const [from, to] = [gradient, tensor].map(({ name, shape }) => `${name} [${shape.join(", ")}]`);
  throw new Error(`gradient ${from} does not fit ${to}`);
}
