/** @file linear against an f64 reference: every weight type, LoRA, dropout, residuals, parts, central differences. */

import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { encodeBatchScalars } from "../../src/engine/batchScalars.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { dropoutKeeps } from "../../src/engine/operators/dropout.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { testGpu } from "../support/gpu.ts";
import { checkLinear } from "../support/linearCheck.ts";
import { plus, product, uniform } from "../support/numeric.ts";
import { ONLY, checkOperator } from "../support/operatorCheck.ts";

const kernels = ["register", "shared"] as const;

describe("linear agrees with f64:", () => {
  for (const kernel of kernels) {
    // The shared-memory kernel takes long to compile on a CPU; its loads are those of the other one.
    for (const dtype of kernel === "register" ? (["f32", "bf16", "f16"] as const) : (["bf16"] as const)) {
      it(`${dtype} weight, ${kernel} kernel, multiples of 4`, async () => {
        await checkLinear(await testGpu(), { T: 37, d: 40, out: 52, r: 8, p: 0.1, dtype, biasDtype: dtype, kernel });
      });
      it(`${dtype} weight, ${kernel} kernel, odd sizes`, async () => {
        await checkLinear(await testGpu(), { T: 13, d: 27, out: 35, r: 3, p: 0.25, dtype, biasDtype: "f32", kernel });
      });
    }
    it(`several tiles, ${kernel} kernel, added to a residual, with a gradient accumulated before`, async () => {
      await checkLinear(await testGpu(), {
        T: 131,
        d: 132,
        out: 70,
        r: 6,
        p: 0.5,
        dtype: "bf16",
        kernel,
        residual: true,
        added: true,
      });
    });
    it(`one token, rank 1, ${kernel} kernel`, async () => {
      await checkLinear(await testGpu(), { T: 1, d: 5, out: 3, r: 1, dtype: "bf16", kernel });
      await checkLinear(await testGpu(), { T: 1, d: 264, out: 520, r: 4, dtype: "bf16", kernel, added: true });
    });
    it(`no adapter, ${kernel} kernel`, async () => {
      await checkLinear(await testGpu(), {
        T: 9,
        d: 64,
        out: 65,
        dtype: "bf16",
        biasDtype: "bf16",
        kernel,
        residual: true,
        added: true,
      });
    });
    it(`weight and tokens in parts, few workgroups, ${kernel} kernel`, async () => {
      const gpu = await testGpu({ maxBinding: 128 * 300 * 4, maxGroups: 13 });
      await checkLinear(gpu, {
        T: 140,
        d: 300,
        out: 300,
        r: 5,
        p: 0.1,
        dtype: "bf16",
        kernel,
        residual: true,
        added: true,
      });
      await checkLinear(gpu, { T: 5, d: 27, out: 35, r: 3, dtype: "f32", kernel, added: true });
    });
    it(`weight in parts, ${kernel} kernel, 16 bit`, async () => {
      const gpu = await testGpu({ maxBinding: 128 * 420 * 2 });
      await checkLinear(gpu, { T: 20, d: 420, out: 261, r: 4, dtype: "bf16", biasDtype: "f16", kernel });
    });
  }

  for (const kernel of kernels) {
    it(`large ranks, ${kernel} kernel`, async () => {
      await checkLinear(await testGpu(), { T: 70, d: 68, out: 33, r: 64, p: 0.05, dtype: "bf16", kernel });
      await checkLinear(await testGpu(), { T: 150, d: 300, out: 132, r: 20, p: 0.05, dtype: "bf16", kernel });
    });
    it(`ranks up to 9, ${kernel} kernel`, async () => {
      for (const r of [1, 2, 4, 5, 7, 9])
        await checkLinear(await testGpu(), { T: 6, d: 12, out: 20, r, p: 0.2, dtype: "bf16", kernel });
    });
  }
});

describe("linear", () => {
  it("reads f16 subnormals and extremes exactly", async () => {
    const column = [2 ** -24, 1023 * 2 ** -24, -(2 ** -15), 2 ** -14, 65504, -65504, -0, 1];
    await checkOperator(await testGpu(), {
      operands: {
        x: { shape: [1, 8], values: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0) },
        W: {
          kind: "weight",
          shape: [8, 8],
          values: Float32Array.from({ length: 64 }, (_, i) => (i % 8 === 0 ? (column[i / 8] ?? 0) : 0)),
          dtype: "f16",
        },
      },
      graph: (graph, { x, W }) => linear(graph, x, { name: "identity", weight: W }),
      reference: () => column,
      tolerance: { output: 0 },
    });
  });

  it("drops on the device what the host's mask says", async () => {
    const [T, d, p] = [50, 37, 0.3];
    const identity = Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
    const scalars = encodeBatchScalars({ seed: 0xfffffff1, counter: 3, lossScale: 1 });
    await checkOperator(await testGpu(), {
      // A and B are identities, W is zero: y is the dropped input itself.
      operands: {
        x: { shape: [T, d], values: new Float32Array(T * d).fill(1) },
        W: { kind: "weight", shape: [d, d], values: new Float32Array(d * d) },
        A: { kind: "parameter", shape: [d, d], values: identity },
        B: { kind: "parameter", shape: [d, d], values: identity },
        batch: { shape: [4], values: new Uint32Array(scalars) },
      },
      graph: (graph, { x, W, A, B, batch }) =>
        linear(graph, x, { name: "layer", weight: W, lora: { A, B, scale: 1, dropout: { p, stream: 77, batch } } }),
      reference: () =>
        Float64Array.from({ length: T * d }, (_, i) => (dropoutKeeps(0xfffffff1, 3, 77, i, p) ? 1 / (1 - p) : 0)),
    });
  });

  it("dropout of 0 is no dropout, bit for bit", async () => {
    const [T, d, out, r] = [9, 12, 8, 4];
    const computed = [undefined, 0].map(async (p) => {
      const { outputs } = await checkOperator(await testGpu(), {
        operands: {
          x: { shape: [T, d], values: uniform(T * d, 0) },
          W: { kind: "weight", shape: [out, d], values: uniform(out * d, 1) },
          A: { kind: "parameter", shape: [r, d], values: uniform(r * d, 2) },
          B: { kind: "parameter", shape: [out, r], values: uniform(out * r, 3) },
          batch: { shape: [4], values: new Uint32Array(4) },
        },
        graph: (graph, { x, W, A, B, batch }) => {
          const dropout = p === undefined ? undefined : { p, stream: 0, batch };
          return linear(graph, x, { name: "layer", weight: W, lora: { A, B, scale: 2, dropout } });
        },
        reference: ({ x, W, A, B }) =>
          plus(product(x, W, T, out, d, true), product(product(x, A, T, r, d, true), B, T, out, r, true), 2),
      });
      return outputs[ONLY];
    });
    const [without, zero] = await Promise.all(computed);
    expect(zero).toEqual(without);
  });

  it("passes its gradient on to the residual, as the same tensor", () => {
    const graph = new Graph();
    const [x, residual, dy] = [graph.input("x", [4, 8]), graph.input("r", [4, 8]), graph.input("dy", [4, 8])];
    const y = linear(graph, x, { name: "layer", weight: graph.weight("W", [8, 8], "f32"), residual });
    const gradients = backward(graph, { seeds: new Map([[y, dy]]), wrt: new Set([residual]), add });
    expect(gradients.get(residual)).toBe(dy);
  });

  it("computes only the gradients that are wanted", () => {
    const graph = new Graph();
    const x = graph.input("x", [4, 8]);
    const weight = graph.weight("W", [8, 8], "f32");
    const A = graph.parameter("A", [2, 8]);
    const B = graph.parameter("B", [8, 2]);
    const y = linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 1 } });
    const before = graph.nodes.length;
    backward(graph, { seeds: new Map([[y, graph.input("dy", [4, 8])]]), wrt: new Set([A, B]), add });
    expect(graph.nodes.slice(before).map((node) => node.operator.name)).toEqual([
      "loraFactorGradient",
      "loraHiddenGradient",
      "loraFactorGradient",
    ]);
  });

  it("refuses shapes that do not fit", () => {
    const graph = new Graph();
    const x = graph.input("x", [4, 8]);
    expect(() => linear(graph, x, { name: "q_proj", weight: graph.weight("W", [8, 9], "f32") })).toThrow("q_proj");
  });
});
