/**
 * @file Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467), as in Llama.
 *
 *     y = [residual +] w ∘ x / sqrt(mean(x²) + eps)          or (1 + w) ∘ …, as Gemma stores its weights
 *
 * A weight shorter than a row normalises each group of that many columns on its own: the heads of queries and keys in
 * models with a norm there. [T, heads · d] is then read as [T · heads, d], which has the same memory layout.
 * The reverse pass needs x alone: it recomputes the factor of each row. In a transformer block x already has the
 * gradient of the residual branch; the kernel then adds to it in place, which saves a tensor and a pass.
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
  readonly offset: number;
  readonly residual: Tensor | undefined;
}

interface InputGradientAttributes {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly dy: Tensor;
  /** The gradient accumulated so far, which `dx` takes over. */
  readonly accumulated?: Tensor;
  readonly dx: Tensor;
  readonly eps: number;
  readonly offset: number;
}

interface WeightGradientAttributes {
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly factors: Tensor;
  readonly dw: Tensor;
  readonly eps: number;
}

export interface RmsNormOptions {
  /** The factor is 1 + weight (Gemma). */
  readonly addOne?: boolean;
  /** Shaped as x: added to the norm (models with norms after their blocks). Its gradient is ∂y itself. */
  readonly residual?: Tensor | undefined;
}

/**
 * @param x [T, n · d], each group of d columns normalised on its own; n is usually 1
 * @param weight [d], f32, bf16 or f16
 * @returns [T, n · d]
 * @throws Error when d does not divide the width of x, or the residual has another shape
 */
export function rmsNorm(
  graph: Graph,
  x: Tensor,
  weight: Tensor,
  eps: number,
  name: string,
  options: RmsNormOptions = {},
): Tensor {
  const [, width = 1] = x.shape;
  if (width % (weight.shape[0] ?? 1) !== 0)
    throw new Error(`${name}: rows of ${width} and a weight of ${weight.shape[0]}`);
  const { residual } = options;
  if (residual && (residual.shape[0] !== x.shape[0] || residual.shape[1] !== width)) {
    throw new Error(
      `${name}: ${residual.name} [${residual.shape.join(", ")}] cannot be added to [${x.shape.join(", ")}]`,
    );
  }
  const y = graph.value(name, x.shape);
  graph.add(
    normOperator,
    { x, weight, y, eps, offset: options.addOne ? 1 : 0, residual },
    [x, weight, ...(residual ? [residual] : [])],
    [y],
  );
  return y;
}

/** How a row of x is normalised: `groups` times `width` columns. */
function cut(x: Tensor, weight: Tensor): { readonly width: number; readonly groups: number } {
  const [width = 1] = weight.shape;
  return { width, groups: (x.shape[1] ?? 1) / width };
}

const normOperator: Operator<NormAttributes> = {
  name: "rmsNorm",
  encode: ({ attributes: { x, weight, y, eps, offset, residual } }, encoder) => {
    const { width, groups } = cut(x, weight);
    for (const range of encoder.ranges(x, y, ...(residual ? [residual] : []))) {
      const rows = range.rows * groups;
      encoder.dispatch({
        family: rmsNormFamily,
        entry: encoder.software ? "forward_row" : "forward",
        constants: { ...weightFormat(weight, encoder.fastPaths), ...(residual ? { RESIDUAL: true } : {}) },
        bindings: {
          x: encoder.rows(x, range),
          w: encoder.whole(weight),
          y: encoder.rows(y, range),
          residual: residual && encoder.rows(residual, range),
        },
        params: { rows, width, eps, offset },
        groups: encoder.software ? rows / 32 : rows,
        flops: 4 * rows * width,
      });
    }
  },
  backward: ({ attributes: { x, weight, y, eps, offset, residual } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy) return;
    if (residual && tape.needsGradient(residual)) tape.addGradient(residual, dy);
    if (tape.needsGradient(weight)) {
      if (weight.kind !== "parameter")
        throw new Error(`the gradient of ${weight.name} needs a parameter, not a ${weight.kind}`);
      const dw = tape.parameterGradient(weight);
      const factors = tape.graph.value(`factors of ${y.name}`, [x.shape[0] ?? 1, cut(x, weight).groups]);
      tape.graph.add(weightGradientOperator, { x, dy, factors, dw, eps }, [x, dy], [dw, factors]);
    }
    if (!tape.needsGradient(x)) return;
    const accumulated = tape.gradient(x);
    const dx = tape.graph.value(`∂ ${x.name}`, x.shape);
    const attributes = { x, weight, dy, dx, eps, offset };
    if (accumulated) tape.graph.add(addingOperator, { ...attributes, accumulated }, [x, weight, dy, accumulated], [dx]);
    else tape.graph.add(assigningOperator, attributes, [x, weight, dy], [dx]);
    tape.setGradient(x, dx);
  },
};

const encodeInputGradient: Operator<InputGradientAttributes>["encode"] = (
  { attributes: { x, weight, dy, accumulated, dx, eps, offset } },
  encoder,
) => {
  const { width, groups } = cut(x, weight);
  if (accumulated) encoder.ensureInPlace(accumulated, dx);
  for (const range of encoder.ranges(x, dy, dx)) {
    const rows = range.rows * groups;
    encoder.dispatch({
      family: rmsNormFamily,
      entry: encoder.software ? "backward_row" : "backward",
      constants: { ...weightFormat(weight, encoder.fastPaths), ACCUMULATE: Boolean(accumulated) },
      bindings: {
        x: encoder.rows(x, range),
        w: encoder.whole(weight),
        dy: encoder.rows(dy, range),
        dx: encoder.rows(dx, range),
      },
      params: { rows, width, eps, offset },
      groups: encoder.software ? rows / 32 : rows,
      flops: 10 * rows * width,
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
    const { width, groups } = cut(x, dw);
    for (const range of encoder.ranges(x, dy, factors)) {
      const rows = range.rows * groups;
      // The gradient of w is that of the stored weight, without the offset.
      const common = { family: rmsNormFamily, params: { rows, width, eps, offset: 0 } };
      const views = { x: encoder.rows(x, range), r: encoder.rows(factors, range) };
      encoder.dispatch({ ...common, entry: "factors", bindings: views, groups: rows });
      encoder.dispatch({
        ...common,
        entry: "weight_gradient",
        bindings: { ...views, dy: encoder.rows(dy, range), dw: encoder.whole(dw) },
        groups: width / 64,
        flops: 3 * rows * width,
      });
    }
  },
};
