/**
 * @file A slice of columns: y = x[:, from : from + count]. Models that store several projections in one matrix (query,
 * key and value; gate and up) multiply once and slice the result.
 *
 * The gradients of all slices of x are one tensor: the first slice's fills it (with zeros in the other columns), each
 * further one is added to its own columns in place.
 */

import type { Graph, Operator } from "../graph.ts";
import { columnsFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";

interface ColumnsAttributes {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly from: number;
}

interface GradientAttributes {
  readonly dy: Tensor;
  /** The gradient accumulated so far, which `dx` takes over. */
  readonly accumulated?: Tensor;
  readonly dx: Tensor;
  readonly from: number;
}

/**
 * @param x [T, d]
 * @returns columns from, …, from + count - 1, [T, count]
 * @throws Error when the slice is not inside x
 */
export function columns(graph: Graph, x: Tensor, from: number, count: number): Tensor {
  const [tokens = 1, width = 1] = x.shape;
  if (!Number.isInteger(from) || !Number.isInteger(count) || from < 0 || count < 1 || from + count > width) {
    throw new Error(`columns ${from} to ${from + count} are not inside ${x.name} [${x.shape.join(", ")}]`);
  }
  const y = graph.value(`${x.name} columns ${from} to ${from + count}`, [tokens, count]);
  graph.add(columnsOperator, { x, y, from }, [x], [y]);
  return y;
}

const columnsOperator: Operator<ColumnsAttributes> = {
  name: "columns",
  encode: ({ attributes: { x, y, from } }, encoder) => {
    const [width = 1, count = 1] = [x.shape[1], y.shape[1]];
    for (const range of encoder.ranges(x, y)) {
      encoder.dispatch({
        family: columnsFamily,
        entry: "take",
        bindings: { x: encoder.rows(x, range), y: encoder.rows(y, range) },
        params: { rows: range.rows, width, first: from, count },
        groups: (range.rows * count) / 256,
      });
    }
  },
  backward: ({ attributes: { x, y, from } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy || !tape.needsGradient(x)) return;
    const accumulated = tape.gradient(x);
    const dx = tape.graph.value(`∂ ${x.name}`, x.shape);
    if (accumulated) tape.graph.add(joiningOperator, { dy, accumulated, dx, from }, [dy, accumulated], [dx]);
    else tape.graph.add(puttingOperator, { dy, dx, from }, [dy], [dx]);
    tape.setGradient(x, dx);
  },
};

const encodeGradient: Operator<GradientAttributes>["encode"] = (
  { attributes: { dy, accumulated, dx, from } },
  encoder,
) => {
  const [width = 1, count = 1] = [dx.shape[1], dy.shape[1]];
  if (accumulated) encoder.ensureInPlace(accumulated, dx);
  for (const range of encoder.ranges(dy, dx)) {
    encoder.dispatch({
      family: columnsFamily,
      entry: accumulated ? "join" : "put",
      bindings: { dy: encoder.rows(dy, range), dx: encoder.rows(dx, range) },
      params: { rows: range.rows, width, first: from, count },
      groups: (range.rows * (accumulated ? count : width)) / 256,
    });
  }
};

const puttingOperator: Operator<GradientAttributes> = { name: "columnsBackward", encode: encodeGradient };

const joiningOperator: Operator<GradientAttributes> = {
  name: "columnsBackward",
  inPlace: { output: 0, input: 1 },
  encode: encodeGradient,
};
