/** @file RMSNorm: forward, both gradients, groups of a row, adding to an existing gradient, parts. */

import { expect, it } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { rmsNorm } from "../../src/engine/operators/rmsNorm.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { describeOnAdapters } from "../support/gpu.ts";
import { normal, plus } from "../support/numeric.ts";
import { type Numbers, ONLY, checkOperator } from "../support/operatorCheck.ts";
import { rmsNormGradient, rmsNormReference } from "../support/reference.ts";

const EPS = 1e-5;
const TOLERANCE = { differences: 3e-6 };

/** The norm summed with x apart or in its own pass. */
const JOINED = [
  {
    how: "apart",
    join: (graph: Graph, x: Tensor, w: Tensor): Tensor => add(graph, rmsNorm(graph, x, w, EPS, "norm"), x),
  },
  {
    how: "in its own pass",
    join: (graph: Graph, x: Tensor, w: Tensor): Tensor => rmsNorm(graph, x, w, EPS, "norm", { residual: x }),
  },
] as const;

describeOnAdapters("rmsNorm", ({ open }) => {
  for (const dtype of ["f32", "bf16", "f16"] as const) {
    it.each([8, 20, 131])(`weight in ${dtype}, rows of %d`, async (width) => {
      await checkOperator(await open(), {
        operands: {
          x: { shape: [37, width], values: normal(37 * width, 1), grad: true },
          w: { kind: "weight", shape: [width], values: normal(width, 2), dtype },
        },
        graph: (graph, { x, w }) => rmsNorm(graph, x, w, EPS, "norm"),
        reference: ({ x, w }) => rmsNormReference(x, w, EPS),
        gradient: ({ x, w }, { [ONLY]: dy = [] }) => ({ x: rmsNormGradient(x, w, dy, EPS).dx }),
        tolerance: TOLERANCE,
      });
    });
  }

  it.each([
    { heads: 3, headDim: 20, addOne: false },
    { heads: 5, headDim: 14, addOne: true },
    { heads: 1, headDim: 131, addOne: true },
  ])("$heads groups of $headDim, weight plus one: $addOne, both gradients, whole and in parts", async (norm) => {
    const { heads, headDim, addOne } = norm;
    const [tokens, width] = [300, heads * headDim];
    const factor = (w: Numbers): Float64Array => Float64Array.from(w, (value) => (addOne ? 1 + value : value));
    for (const options of [{}, { maxBinding: 128 * width * 4, maxGroups: 40 }])
      await checkOperator(await open(options), {
        operands: {
          x: { shape: [tokens, width], values: normal(tokens * width, 1), grad: true },
          w: { kind: "parameter", shape: [headDim], values: normal(headDim, 2), grad: true },
        },
        graph: (graph, { x, w }) => rmsNorm(graph, x, w, EPS, "norm", { addOne }),
        reference: ({ x, w }) => rmsNormReference(x, factor(w), EPS),
        gradient: ({ x, w }, { [ONLY]: dy = [] }) => {
          const { dx, dw } = rmsNormGradient(x, factor(w), dy, EPS);
          return { x: dx, w: dw };
        },
        tolerance: { ...TOLERANCE, gradient: { x: 1e-6, w: 2e-6 } },
        samples: 8,
      });
  });

  it.each(JOINED)("adds to the gradient of its residual, summed $how, and trains its weight", async ({ join }) => {
    const [tokens, width] = [300, 20];
    // Parts of 128 rows.
    for (const options of [{}, { maxBinding: 128 * width * 4, maxGroups: 20 }])
      await checkOperator(await open(options), {
        operands: {
          x: { shape: [tokens, width], values: normal(tokens * width, 1), grad: true },
          w: { kind: "parameter", shape: [width], values: normal(width, 2), grad: true },
        },
        graph: (graph, { x, w }) => join(graph, x, w),
        reference: ({ x, w }) => plus(rmsNormReference(x, w, EPS), x),
        gradient: ({ x, w }, { [ONLY]: dy = [] }) => {
          const { dx, dw } = rmsNormGradient(x, w, dy, EPS);
          return { x: plus(dx, dy), w: dw };
        },
        tolerance: { ...TOLERANCE, gradient: { x: 1e-6, w: 2e-6 } },
      });
  });

  it("refuses a weight that does not divide a row", () => {
    const graph = new Graph();
    expect(() => rmsNorm(graph, graph.input("x", [3, 20]), graph.input("w", [8]), EPS, "norm")).toThrow(
      "norm: rows of 20 and a weight of 8",
    );
  });
});
