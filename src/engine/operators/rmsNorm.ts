/**
 * @file Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467), as in Llama.
 *
 *     y = w ∘ x / sqrt(mean(x²) + eps)
 *
 * Nothing is kept for the reverse pass but x: the factor of a row is computed again. In a transformer block x already has the
 * gradient of the residual branch when the norm's arrives; the kernel then adds to it in place, which saves a tensor and a pass.
 */

import type { Graph, Operator } from "../graph.ts";
import { rmsNormFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";
import { weightFormat } from "./weightFormat.ts";

interface NormAttributes {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly y: Tensor;
  readonly eps: number;
}

interface InputGradientAttributes {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly dy: Tensor;
  /** What `dx` is added to. */
  readonly sofar?: Tensor;
  readonly dx: Tensor;
  readonly eps: number;
}

interface WeightGradientAttributes {
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly factors: Tensor;
  readonly dw: Tensor;
  readonly eps: number;
}

/** x [T, d], weight [d] (f32, bf16 or f16) -> [T, d]. */
export function rmsNorm(graph: Graph, x: Tensor, weight: Tensor, eps: number, name: string): Tensor {
  if (x.shape[1] !== weight.shape[0]) throw new Error(`${name}: rows of ${x.shape[1]} and a weight of ${weight.shape[0]}`);
  const y = graph.value(name, x.shape);
  graph.add(normOperator, { x, weight, y, eps }, [x, weight], [y]);
  return y;
}

const normOperator: Operator<NormAttributes> = {
  name: "rmsNorm",
  encode: ({ attributes: { x, weight, y, eps } }, encoder) => {
    const width = x.shape[1] ?? 1;
    for (const range of encoder.ranges(x, y)) {
      encoder.dispatch({
        family: rmsNormFamily,
        entry: encoder.software ? "forward_row" : "forward",
        constants: { FORMAT: weightFormat(weight) },
        bindings: { x: encoder.rows(x, range), w: encoder.whole(weight), y: encoder.rows(y, range) },
        params: { rows: range.rows, width, eps },
        groups: encoder.software ? range.rows / 32 : range.rows,
        flops: 4 * range.rows * width,
      });
    }
  },
  backward: ({ attributes: { x, weight, y, eps } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy) return;
    if (tape.needsGradient(weight)) {
      if (weight.kind !== "parameter") throw new Error(`the gradient of ${weight.name} needs a parameter, not a ${weight.kind}`);
      const dw = tape.parameterGradient(weight);
      const factors = tape.graph.value(`factors of ${y.name}`, [x.shape[0] ?? 1]);
      tape.graph.add(weightGradientOperator, { x, dy, factors, dw, eps }, [x, dy], [dw, factors]);
    }
    if (!tape.needsGradient(x)) return;
    const sofar = tape.gradient(x);
    const dx = tape.graph.value(`∂ ${x.name}`, x.shape);
    const attributes = { x, weight, dy, dx, eps };
    if (sofar) tape.graph.add(addingOperator, { ...attributes, sofar }, [x, weight, dy, sofar], [dx]);
    else tape.graph.add(assigningOperator, attributes, [x, weight, dy], [dx]);
    tape.setGradient(x, dx);
  },
};

const encodeInputGradient: Operator<InputGradientAttributes>["encode"] = ({ attributes: { x, weight, dy, sofar, dx, eps } }, encoder) => {
  const width = x.shape[1] ?? 1;
  if (sofar) encoder.inherit(sofar, dx);
  for (const range of encoder.ranges(x, dy, dx)) {
    encoder.dispatch({
      family: rmsNormFamily,
      entry: encoder.software ? "backward_row" : "backward",
      constants: { FORMAT: weightFormat(weight), ACCUMULATE: Boolean(sofar) },
      bindings: { x: encoder.rows(x, range), w: encoder.whole(weight), dy: encoder.rows(dy, range), dx: encoder.rows(dx, range) },
      params: { rows: range.rows, width, eps },
      groups: encoder.software ? range.rows / 32 : range.rows,
      flops: 10 * range.rows * width,
    });
  }
};

const assigningOperator: Operator<InputGradientAttributes> = { name: "rmsNormBackward", encode: encodeInputGradient };

const addingOperator: Operator<InputGradientAttributes> = {
  name: "rmsNormBackward",
  inPlace: { output: 0, input: 3 },
  encode: encodeInputGradient,
};

const weightGradientOperator: Operator<WeightGradientAttributes> = {
  name: "rmsNormWeightBackward",
  encode: ({ attributes: { x, dy, factors, dw, eps } }, encoder) => {
    const width = x.shape[1] ?? 1;
    for (const range of encoder.ranges(x, dy, factors)) {
      const common = { family: rmsNormFamily, params: { rows: range.rows, width, eps } };
      const rows = { x: encoder.rows(x, range), r: encoder.rows(factors, range) };
      encoder.dispatch({ ...common, entry: "factors", bindings: rows, groups: range.rows });
      encoder.dispatch({
        ...common,
        entry: "weight_gradient",
        bindings: { ...rows, dy: encoder.rows(dy, range), dw: encoder.whole(dw) },
        groups: width / 64,
        flops: 3 * range.rows * width,
      });
    }
  },
};
