/**
 * @file Soft-capping of logits (Gemma 2, arXiv 2408.00118): y = cap · tanh(x / cap) lies in (−cap, cap). The reverse
 * pass needs y alone: ∂x = ∂y · (1 − (y / cap)²).
 *
 * Attention caps its scores inside its kernels; the cross-entropy caps each chunk of logits with `encodeSoftcap`.
 */

import type { Encoder } from "../encoder.ts";
import type { Graph, Operator } from "../graph.ts";
import { softcapFamily } from "../kernels.ts";
import type { BufferView } from "../storage.ts";
import { type Tensor, rowBytes } from "../tensor.ts";
import { encodeElementwise } from "./elementwise.ts";

interface SoftcapAttributes {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly cap: number;
}

interface GradientAttributes {
  readonly y: Tensor;
  readonly dy: Tensor;
  readonly dx: Tensor;
  readonly cap: number;
}

/**
 * @param x f32, any shape
 * @param cap above 0, in units of x
 * @returns cap · tanh(x / cap), shaped as x
 * @throws Error when the cap is not above 0
 */
export function softcap(graph: Graph, x: Tensor, cap: number): Tensor {
  checkCap(x.name, cap);
  const y = graph.value(`capped ${x.name}`, x.shape);
  graph.add(softcapOperator, { x, y, cap }, [x], [y]);
  return y;
}

/** @throws Error when a cap is not above 0 */
export function checkCap(where: string, cap: number | undefined): void {
  if (cap !== undefined && !(cap > 0)) throw new Error(`${where}: a softcap of ${cap} is not possible`);
}

/** Cap `count` f32 values in place. */
export function encodeSoftcap(encoder: Encoder, y: BufferView, count: number, cap: number): void {
  encoder.dispatch({
    family: softcapFamily,
    entry: "softcap",
    bindings: { y },
    params: { count, cap },
    groups: count / 256,
    flops: 16 * count,
  });
}

const softcapOperator: Operator<SoftcapAttributes> = {
  name: "softcap",
  inPlace: { output: 0, input: 0 },
  encode: ({ attributes: { x, y, cap } }, encoder) => {
    encoder.ensureInPlace(x, y);
    for (const range of encoder.ranges(y))
      encodeSoftcap(encoder, encoder.rows(y, range), (range.rows * rowBytes(y)) / 4, cap);
  },
  backward: ({ attributes: { x, y, cap } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy || !tape.needsGradient(x)) return;
    const dx = tape.graph.value(`∂ ${x.name}`, x.shape);
    tape.graph.add(gradientOperator, { y, dy, dx, cap }, [y, dy], [dx]);
    tape.addGradient(x, dx);
  },
};

const gradientOperator: Operator<GradientAttributes> = {
  name: "softcapBackward",
  inPlace: { output: 0, input: 1 },
  encode: ({ attributes: { y, dy, dx, cap } }, encoder) => {
    encoder.ensureInPlace(dy, dx);
    encodeElementwise(encoder, {
      family: softcapFamily,
      entry: "backward",
      tensors: { value: y, dx },
      params: (count) => ({ count, cap }),
      perGroup: 256,
      flops: 4,
    });
  },
};
