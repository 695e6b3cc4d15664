/**
 * @file The gated unit of Llama's feed-forward block: y = silu(gate) · up (Shazeer 2020, arXiv 2002.05202).
 *
 *     ∂up = ∂y · silu(g)        ∂gate = ∂y · up · σ(g) · (1 + g · (1 − σ(g)))
 *
 * The reverse pass takes σ(g) from gate again instead of keeping it, and overwrites ∂y where nobody reads it later.
 */

import type { Graph, Operator } from "../graph.ts";
import { swigluFamily } from "../kernels.ts";
import { type Tensor, elementCount, rowBytes } from "../tensor.ts";

interface SwigluAttributes {
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly y: Tensor;
}

interface GradientAttributes {
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly dy: Tensor;
  readonly wanted: "backward" | "backward_gate" | "backward_up";
  readonly first: Tensor;
  readonly second?: Tensor;
}

/** gate and up [T, f] -> [T, f]. */
export function swiglu(graph: Graph, gate: Tensor, up: Tensor): Tensor {
  if (gate.shape[0] !== up.shape[0] || elementCount(gate.shape) !== elementCount(up.shape)) {
    throw new Error(`${gate.name} [${gate.shape.join(", ")}] cannot gate ${up.name} [${up.shape.join(", ")}]`);
  }
  const y = graph.value(`swiglu ${up.name}`, up.shape);
  graph.add(swigluOperator, { gate, up, y }, [gate, up], [y]);
  return y;
}

const swigluOperator: Operator<SwigluAttributes> = {
  name: "swiglu",
  encode: ({ attributes: { gate, up, y } }, encoder) => {
    for (const range of encoder.ranges(gate, up, y)) {
      const count = (range.rows * rowBytes(y)) / 4;
      encoder.dispatch({
        family: swigluFamily,
        entry: "forward",
        bindings: { gate: encoder.rows(gate, range), up: encoder.rows(up, range), y: encoder.rows(y, range) },
        params: { count },
        groups: count / 256,
        flops: 5 * count,
      });
    }
  },
  backward: ({ attributes: { gate, up, y } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const [gateToo, upToo] = [tape.needsGradient(gate), tape.needsGradient(up)];
    const wanted = gateToo && upToo ? "backward" : gateToo ? "backward_gate" : "backward_up";
    const first = tape.graph.value(`∂ ${(gateToo ? gate : up).name}`, y.shape);
    const second = wanted === "backward" ? tape.graph.value(`∂ ${up.name}`, y.shape) : undefined;
    tape.graph.add(gradientOperator, { gate, up, dy, wanted, first, second }, [gate, up, dy], second ? [first, second] : [first]);
    if (gateToo) tape.addGradient(gate, first);
    if (upToo) tape.addGradient(up, second ?? first);
  },
};

const gradientOperator: Operator<GradientAttributes> = {
  name: "swigluBackward",
  inPlace: { output: 0, input: 2 },
  encode: ({ attributes: { gate, up, dy, wanted, first, second } }, encoder) => {
    encoder.inherit(dy, first);
    for (const range of encoder.ranges(gate, up, first)) {
      const count = (range.rows * rowBytes(first)) / 4;
      encoder.dispatch({
        family: swigluFamily,
        entry: wanted,
        bindings: {
          gate: encoder.rows(gate, range),
          up: encoder.rows(up, range),
          first: encoder.rows(first, range),
          second: second && encoder.rows(second, range),
        },
        params: { count },
        groups: count / 256,
        flops: 10 * count,
      });
    }
  },
};
