/**
 * @file The gated linear unit of an MLP block: y = f(gate) · up (Shazeer 2020, arXiv 2002.05202), f = SiLU in Llama
 * (SwiGLU), GELU's tanh form in Gemma (GeGLU).
 *
 *     f(g) = g · σ(z)      ∂up = ∂y · f(g)      ∂gate = ∂y · up · σ(z) · (1 + g · z' · (1 − σ(z)))
 *     silu: z = g          gelu_pytorch_tanh: z = 2 sqrt(2/π) (g + 0.044715 g³)
 *
 * The reverse pass recomputes σ(z) from gate, and overwrites ∂y where nobody reads it later.
 */

import type { Graph, Operator } from "../graph.ts";
import type { Constants } from "../kernel.ts";
import { swigluFamily } from "../kernels.ts";
import { type Tensor, elementCount } from "../tensor.ts";
import { encodeElementwise } from "./elementwise.ts";

/** Named as `hidden_act` in a checkpoint's config.json. */
export type GluActivation = "silu" | "gelu_pytorch_tanh";

interface SwigluAttributes {
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly y: Tensor;
  readonly activation: GluActivation;
}

interface GradientAttributes {
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly activation: GluActivation;
  readonly dy: Tensor;
  readonly wanted: "backward" | "backward_gate" | "backward_up";
  /** ∂gate, or ∂up where only that is wanted. */
  readonly first: Tensor;
  /** ∂up where both are wanted. */
  readonly second?: Tensor;
}

/**
 * @param gate [T, f]
 * @param up [T, f]
 * @returns f(gate) · up, [T, f]
 * @throws Error when the shapes differ
 */
export function swiglu(graph: Graph, gate: Tensor, up: Tensor, activation: GluActivation): Tensor {
  if (gate.shape[0] !== up.shape[0] || elementCount(gate.shape) !== elementCount(up.shape)) {
    throw new Error(`${gate.name} [${gate.shape.join(", ")}] cannot gate ${up.name} [${up.shape.join(", ")}]`);
  }
  const y = graph.value(`gated ${up.name}`, up.shape);
  graph.add(swigluOperator, { gate, up, y, activation }, [gate, up], [y]);
  return y;
}

/** What all passes share. SiLU is the shader's default. */
function kernelOf(activation: GluActivation) {
  const constants: Constants = activation === "silu" ? {} : { ACTIVATION: 1 };
  return {
    family: swigluFamily,
    constants,
    params: (count: number) => ({ count }),
    perGroup: 256,
  };
}

const swigluOperator: Operator<SwigluAttributes> = {
  name: "swiglu",
  encode: ({ attributes: { gate, up, y, activation } }, encoder) => {
    encodeElementwise(encoder, {
      ...kernelOf(activation),
      entry: "forward",
      tensors: { gate, up, y },
      flops: 5,
    });
  },
  backward: ({ attributes: { gate, up, y, activation } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const [needsGate, needsUp] = [tape.needsGradient(gate), tape.needsGradient(up)];
    const wanted = needsGate && needsUp ? "backward" : needsGate ? "backward_gate" : "backward_up";
    const first = tape.graph.value(`∂ ${(needsGate ? gate : up).name}`, y.shape);
    const second = wanted === "backward" ? tape.graph.value(`∂ ${up.name}`, y.shape) : undefined;
    tape.graph.add(
      gradientOperator,
      { gate, up, activation, dy, wanted, first, second },
      [gate, up, dy],
      second ? [first, second] : [first],
    );
    if (needsGate) tape.addGradient(gate, first);
    if (needsUp) tape.addGradient(up, second ?? first);
  },
};

const gradientOperator: Operator<GradientAttributes> = {
  name: "swigluBackward",
  inPlace: { output: 0, input: 2 },
  encode: ({ attributes: { gate, up, activation, dy, wanted, first, second } }, encoder) => {
    encoder.ensureInPlace(dy, first);
    encodeElementwise(encoder, {
      ...kernelOf(activation),
      entry: wanted,
      tensors: { gate, up, first, second },
      flops: 10,
    });
  },
};
