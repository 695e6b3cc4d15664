/**
 * @file The dense matmul kernels for GPUs (smaller tiles, split k, few rows) against f64, on whatever adapter is
 * there.
 */

import { describe, expect, it } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { skipWithoutFastPath, skipWithoutFeature, testGpu } from "../support/gpu.ts";
import { fromF16 } from "../support/halves.ts";
import { checkLinear } from "../support/linearCheck.ts";
import { runGraph } from "../support/runGraph.ts";

/** A sum with zeros makes +0 of -0. */
const sameNumber = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

// Kernels with barriers take long to compile on a CPU: few sizes, none a multiple of a tile. Both are one text
// with other constants.
describe.each(["portable", "split"] as const)("the %s tile agrees with f64:", (kernel) => {
  it("vec4 operands: adapter, dropout, bias, a gradient accumulated before", async () => {
    await checkLinear(await testGpu(), {
      T: 45,
      d: 132,
      out: 76,
      r: 6,
      p: 0.5,
      dtype: "bf16",
      biasDtype: "f16",
      kernel,
      residual: true,
    });
  });
  it("quantised weight", async () => {
    await checkLinear(await testGpu(), {
      T: 37,
      d: 128,
      out: 68,
      r: 6,
      dtype: kernel === "split" ? "int8" : "nf4",
      kernel,
      residual: true,
    });
  });
});

it("the portable tile agrees with f64: odd sizes", async () => {
  await checkLinear(await testGpu(), {
    T: 13,
    d: 27,
    out: 35,
    r: 3,
    p: 0.25,
    dtype: "f16",
    biasDtype: "f32",
    kernel: "portable",
  });
});
it("the split tile agrees with f64: weight in parts, few workgroups", async () => {
  await checkLinear(await testGpu({ maxBinding: 128 * 420 * 2, maxGroups: 13 }), {
    T: 20,
    d: 420,
    out: 260,
    r: 4,
    dtype: "bf16",
    kernel: "split",
  });
});

describe("f16 weights", () => {
  it("are read exactly in the way that was found for this device", async () => {
    const { device, fastPaths } = await testGpu();
    expect(fastPaths.f16Loading).toBe(device.features.has("shader-f16") ? "native" : "unpack");
    expect((await testGpu({ features: [] })).fastPaths.f16Loading).toBe("unpack");
  });
  it.for(["native", "unpack", "integers"] as const)(
    "%s: all 65536 of them through a matmul",
    async (f16Loading, context) => {
      const gpu = await testGpu();
      if (f16Loading === "native") skipWithoutFeature(context, gpu, "shader-f16");
      const graph = new Graph();
      const x = graph.input("x", [4, 4]);
      const weight = graph.weight("W", [65_536, 4], "f16");
      const y = graph.retain(linear(graph, x, { name: "identity", weight, kernel: "register" }));
      // A row of W has one value, at each place in turn, and zeros, so that an infinite one stays alone.
      const W = new Uint16Array(4 * 65_536);
      for (let half = 0; half < 65_536; half += 1) W[4 * half + (half & 3)] = half;
      const identity = Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
      const run = await runGraph(
        { ...gpu, fastPaths: { ...gpu.fastPaths, f16Loading } },
        graph,
        new Map<Tensor, ArrayBufferView>([
          [x, identity],
          [weight, W],
        ]),
      );
      const got = await run.read(y);
      const wrong = [...W.keys()].filter((i) => i < 65_536 && !sameNumber(got[(i & 3) * 65_536 + i] ?? 0, fromF16(i)));
      expect(wrong).toEqual([]);
      run.destroy();
    },
  );
});

describe("the vector kernel agrees with f64:", () => {
  for (const dtype of ["f32", "bf16", "f16", "int8", "nf4", "nf4_double"] as const) {
    it(`${dtype}, one row, more of k than one turn`, async () => {
      await checkLinear(await testGpu(), { T: 1, d: 576, out: 70, r: 5, dtype, kernel: "vector" });
    });
  }
  it("up to eight rows, and more", async () => {
    for (const T of [2, 7, 11])
      await checkLinear(await testGpu(), {
        T,
        d: 132,
        out: 36,
        r: 70,
        dtype: "bf16",
        biasDtype: "bf16",
        kernel: "vector",
      });
  });
  it("odd sizes", async () => {
    await checkLinear(await testGpu(), {
      T: 5,
      d: 27,
      out: 35,
      r: 3,
      dtype: "bf16",
      biasDtype: "f32",
      kernel: "vector",
    });
    await checkLinear(await testGpu(), { T: 5, d: 28, out: 37, r: 3, dtype: "bf16", added: true, kernel: "vector" });
    await checkLinear(await testGpu(), { T: 3, d: 40, out: 37, r: 3, dtype: "nf4", kernel: "vector" });
  });
  it("weight in parts, few workgroups", async () => {
    await checkLinear(await testGpu({ maxBinding: 128 * 420 * 2, maxGroups: 13 }), {
      T: 4,
      d: 420,
      out: 261,
      r: 4,
      dtype: "bf16",
      biasDtype: "f16",
      kernel: "vector",
    });
    await checkLinear(await testGpu({ maxBinding: 34_000 }), {
      T: 2,
      d: 64,
      out: 1100,
      r: 4,
      dtype: "int8",
      kernel: "vector",
    });
  });
});

// Skipped without the feature: Apple's GPUs have it, in a browser that was started with experimental features.
describe("subgroup matrices agree with f64:", () => {
  it("several tiles in part, every way of reading the weight", async (context) => {
    const gpu = await testGpu();
    skipWithoutFastPath(context, gpu, "subgroup_matrices");
    await checkLinear(gpu, {
      T: 77,
      d: 132,
      out: 76,
      r: 6,
      p: 0.5,
      dtype: "bf16",
      kernel: "subgroup_matrix",
      residual: true,
      added: true,
    });
    await checkLinear(gpu, {
      T: 13,
      d: 27,
      out: 35,
      r: 3,
      p: 0.25,
      dtype: "f16",
      biasDtype: "f32",
      kernel: "subgroup_matrix",
    });
    for (const dtype of ["int8", "nf4", "nf4_double"] as const)
      await checkLinear(gpu, { T: 37, d: 128, out: 68, dtype, kernel: "subgroup_matrix" });
  });
});
