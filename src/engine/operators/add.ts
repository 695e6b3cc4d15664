/** @file The residual sum y = a + b, in place of a where nobody reads a later. Its gradient goes to both unchanged. */

import type { Graph, Operator } from "../graph.ts";
import { addFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";
import { elementCount } from "../tensor.ts";
import { encodeElementwise } from "./elementwise.ts";

interface AddAttributes {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly y: Tensor;
}

/** @returns a + b; f32, both of one shape. @throws Error when they are not */
export function add(graph: Graph, a: Tensor, b: Tensor): Tensor {
  if (elementCount(a.shape) !== elementCount(b.shape) || a.shape[0] !== b.shape[0]) {
    throw new Error(`${a.name} [${a.shape.join(", ")}] and ${b.name} [${b.shape.join(", ")}] cannot be added`);
  }
  // Named after what is added: a chain of residual sums would otherwise collect the names of all layers.
  const y = graph.value(`sum after ${b.name}`, a.shape);
  graph.add(addOperator, { a, b, y }, [a, b], [y]);
  return y;
}

const addOperator: Operator<AddAttributes> = {
  name: "add",
  inPlace: { output: 0, input: 0 },
  encode: ({ attributes: { a, b, y } }, encoder) => {
    encoder.ensureInPlace(a, y);
    encodeElementwise(encoder, {
      family: addFamily,
      entry: "add",
      tensors: { x: b, y },
      params: (count) => ({ count }),
      perGroup: 1024,
      flops: 1,
    });
  },
  backward: ({ attributes: { a, b, y } }, tape) => {
    const gradient = tape.gradient(y);
    if (!gradient) return;
    // One tensor for both: it is added to in place only where nobody reads it later, which the plan checks.
    if (tape.needsGradient(a)) tape.addGradient(a, gradient);
    if (tape.needsGradient(b)) tape.addGradient(b, gradient);
  },
};
