/**
 * @file A graph of typed operators over static shapes.
 *
 * Nodes are appended in execution order, so the list *is* the schedule: first the forward pass, by the model, then the
 * reverse pass, by backward.ts.
 */

import type { Encoder } from "./encoder.ts";
import { BasinError } from "../base/error.ts";
import { type DType, type Shape, type Tensor, type TensorKind } from "./tensor.ts";

/** One kind of node. Its forward and backward pass, shape rule and kernel choice are one file under `operators/`. */
export interface Operator<Attributes = unknown> {
  readonly name: string;
  /**
   * Output `output` may take over the storage of input `input` when that input is a value which nobody reads later.
   * `encode` then calls `Encoder.ensureInPlace` and binds the output alone, read-write.
   */
  readonly inPlace?: { readonly output: number; readonly input: number };
  /** Append the dispatches of this node. */
  encode(node: GraphNode<Attributes>, encoder: Encoder): void;
  /** Append gradient nodes. Called only if an output has a gradient and an input needs one. */
  backward?(node: GraphNode<Attributes>, tape: Tape): void;
}

export interface GraphNode<Attributes = unknown> {
  readonly operator: Operator<Attributes>;
  readonly attributes: Attributes;
  readonly inputs: readonly Tensor[];
  /** Outputs of kind "value" are planned; others ("gradient", "input") are written where they live. */
  readonly outputs: readonly Tensor[];
}

/** What an operator's `backward` may ask and do. */
export interface Tape {
  readonly graph: Graph;
  needsGradient(tensor: Tensor): boolean;
  /** The gradient accumulated at `tensor` so far. */
  gradient(tensor: Tensor): Tensor | undefined;
  /** Replace the gradient of `tensor` by one that already contains what `gradient` returned. */
  setGradient(tensor: Tensor, gradient: Tensor): void;
  /** Add a contribution; appends an `add` node when there is one already. */
  addGradient(tensor: Tensor, contribution: Tensor): void;
  /** The flat-buffer gradient that belongs to a parameter; kernels add to it. */
  parameterGradient(parameter: Tensor): Tensor;
}

export class Graph {
  readonly tensors: Tensor[] = [];
  readonly nodes: GraphNode[] = [];
  readonly #gradientOf = new Map<Tensor, Tensor>();
  /** Values whose storage must outlast the program, because the host reads them afterwards. */
  readonly retained = new Set<Tensor>();
  /** Runs of nodes that the reverse pass recomputes: [first, end), in order, disjoint. */
  readonly segments: { readonly first: number; readonly end: number }[] = [];

  tensor(name: string, shape: Shape, dtype: DType, kind: TensorKind): Tensor {
    for (const size of shape) {
      if (!Number.isInteger(size) || size < 1) {
        throw new BasinError({
          what: `A dimension of ${size} is not possible`,
          where: `tensor ${name} [${shape.join(", ")}]`,
          fix: "Check the model's configuration and the batch size.",
        });
      }
    }
    const tensor: Tensor = { id: this.tensors.length, name, shape: [...shape], dtype, kind };
    this.tensors.push(tensor);
    return tensor;
  }

  input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
    return this.tensor(name, shape, dtype, "input");
  }

  weight(name: string, shape: Shape, dtype: DType): Tensor {
    return this.tensor(name, shape, dtype, "weight");
  }

  parameter(name: string, shape: Shape): Tensor {
    return this.tensor(name, shape, "f32", "parameter");
  }

  value(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
    return this.tensor(name, shape, dtype, "value");
  }

  /** The gradient slice of a parameter (created on first use). Named like its parameter, kind "gradient". */
  gradientOf(parameter: Tensor): Tensor {
    const known = this.#gradientOf.get(parameter);
    if (known) return known;
    const gradient = this.tensor(parameter.name, parameter.shape, "f32", "gradient");
    this.#gradientOf.set(parameter, gradient);
    return gradient;
  }

  add<Attributes>(
    operator: Operator<Attributes>,
    attributes: Attributes,
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
  ): void {
    // The list holds nodes of many attribute types; a node is only ever passed to its own operator.
    this.nodes.push({ operator, attributes, inputs, outputs } as GraphNode as GraphNode);
  }

  /** Recompute the nodes from `first` (an earlier `nodes.length`) to here in the reverse pass. */
  checkpointActivations(first: number): void {
    const last = this.segments[this.segments.length - 1];
    if (last && first < last.end) throw new Error("checkpointed segments must not overlap");
    if (this.nodes.length > first) this.segments.push({ first, end: this.nodes.length });
  }

  /** Keep a value's storage until the end of the program, so that it can be read back. */
  retain(tensor: Tensor): Tensor {
    this.retained.add(tensor);
    return tensor;
  }
}

/** The dispatches of every node, in order. */
export function encodeGraph(graph: Graph, encoder: Encoder): void {
  for (const node of graph.nodes) {
    encoder.begin(node.operator.name, node.outputs[0]);
    node.operator.encode(node, encoder);
  }
}
