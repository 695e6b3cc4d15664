/**
 * @file Around the head in generation: only the last row of each sequence goes through it, and only the index of the
 * largest logit is read back.
 */

import type { Graph, Operator } from "../graph.ts";
import { argmaxFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";
import { encodeGather, encodeScatter } from "./rows.ts";

interface GatherAttributes {
  readonly x: Tensor;
  readonly rows: Tensor;
  readonly y: Tensor;
}

/**
 * y[i,:] = x[rows[i],:]
 * @param x [T, d], f32
 * @param rows u32[B], each below T; distinct where a gradient is wanted
 * @returns [B, d]
 */
export function gatherRows(graph: Graph, x: Tensor, rows: Tensor): Tensor {
  const y = graph.value(`${x.name} rows`, [rows.shape[0] ?? 1, ...x.shape.slice(1)]);
  graph.add(gatherOperator, { x, rows, y }, [x, rows], [y]);
  return y;
}

const gatherOperator: Operator<GatherAttributes> = {
  name: "gatherRows",
  encode: ({ attributes: { x, rows, y } }, encoder) => encodeGather(encoder, x, rows, y),
  backward: ({ attributes: { x, rows, y } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy || !tape.needsGradient(x)) return;
    const dx = tape.graph.value(`∂ ${x.name}`, x.shape);
    tape.graph.add(scatterOperator, { x: dy, rows, y: dx }, [dy, rows], [dx]);
    tape.addGradient(x, dx);
  },
};

const scatterOperator: Operator<GatherAttributes> = {
  name: "scatterRows",
  encode: ({ attributes: { x, rows, y } }, encoder) => encodeScatter(encoder, x, rows, undefined, y),
};

interface ArgmaxAttributes {
  readonly logits: Tensor;
  readonly y: Tensor;
}

/**
 * Index of the largest entry of each row; the lowest of equal ones.
 * @param logits [B, V], f32
 * @returns u32[B]
 */
export function argmax(graph: Graph, logits: Tensor): Tensor {
  const y = graph.value(`${logits.name} argmax`, [logits.shape[0] ?? 1], "u32");
  graph.add(argmaxOperator, { logits, y }, [logits], [y]);
  return y;
}

const argmaxOperator: Operator<ArgmaxAttributes> = {
  name: "argmax",
  encode: ({ attributes: { logits, y } }, encoder) => {
    for (const range of encoder.ranges(logits, y)) {
      encoder.dispatch({
        family: argmaxFamily,
        entry: encoder.software ? "argmaxRow" : "argmax",
        bindings: { x: encoder.rows(logits, range), y: encoder.rows(y, range) },
        params: { rows: range.rows, width: logits.shape[1] ?? 1 },
        groups: encoder.software ? range.rows / 8 : range.rows,
      });
    }
  },
};
