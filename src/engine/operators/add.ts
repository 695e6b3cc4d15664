/**
 * @file The residual sum y = a + b, in the place of a where nobody reads a later. Its gradient goes to both unchanged: ∂a = ∂b = ∂y.
 */

import type { Graph, Operator } from "../graph.ts";
import { addFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";
import { elementCount, rowBytes } from "../tensor.ts";

interface AddAttributes {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly y: Tensor;
}

/** a + b, f32, same shape. */
export function add(graph: Graph, a: Tensor, b: Tensor): Tensor {
  if (elementCount(a.shape) !== elementCount(b.shape) || a.shape[0] !== b.shape[0]) {
    throw new Error(`${a.name} [${a.shape.join(", ")}] and ${b.name} [${b.shape.join(", ")}] cannot be added`);
  }
  // Named after what is added: a chain of residual sums would otherwise carry the names of all layers.
  const y = graph.value(`sum after ${b.name}`, a.shape);
  graph.add(addOperator, { a, b, y }, [a, b], [y]);
  return y;
}

const addOperator: Operator<AddAttributes> = {
  name: "add",
  inPlace: { output: 0, input: 0 },
  encode: ({ attributes: { a, b, y } }, encoder) => {
    encoder.ensureInPlace(a, y);
    for (const range of encoder.ranges(b, y)) {
      const count = (range.rows * rowBytes(y)) / 4;
      encoder.dispatch({
        family: addFamily,
        entry: "add",
        bindings: { x: encoder.rows(b, range), y: encoder.rows(y, range) },
        params: { count },
        groups: count / 1024,
        flops: count,
      });
    }
  },
  backward: ({ attributes: { a, b, y } }, tape) => {
    const gradient = tape.gradient(y);
    if (!gradient) return;
    // One tensor for both: whoever adds to it in place may do so only when it is not read later, which the plan checks.
    if (tape.needsGradient(a)) tape.addGradient(a, gradient);
    if (tape.needsGradient(b)) tape.addGradient(b, gradient);
  },
};
