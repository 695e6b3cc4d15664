/**
 * @file The kernels that share registers among subgroups of four, on the adapter that has them, against an f64
 * reference.
 */

import { onSwiftShader } from "../support/swiftshader.ts";
import { beforeEach, describe, expect, it } from "vitest";
import { checkAttention, windowed } from "../support/attentionCheck.ts";
import { testGpu } from "../support/gpu.ts";
import { checkLinear } from "../support/linearCheck.ts";
import { checkPoisonedKey, checkPoisonedNeighbours } from "../support/poisonedAttention.ts";
import { packedBounds } from "../support/reference.ts";

beforeEach((context) => {
  if (!onSwiftShader) context.skip("only Vulkan systems have SwiftShader");
});

describe("subgroups of four", () => {
  it("are found on SwiftShader, by a matmul that comes out right", async () => {
    const gpu = await testGpu();
    expect(gpu.adapter.architecture).toMatch(/swiftshader/i);
    expect(gpu.fastPaths.passed).toContain("subgroups_of_four");
    expect((await testGpu({ features: [] })).fastPaths.passed).not.toContain("subgroups_of_four");
  });
});

describe("kernels for subgroups of four agree with f64:", () => {
  for (const dtype of ["f32", "bf16", "f16"] as const) {
    it(`${dtype} weight`, async () => {
      await checkLinear(await testGpu(), { T: 37, d: 40, out: 52, r: 8, p: 0.1, dtype, biasDtype: dtype });
    });
  }
  for (const dtype of ["int8", "nf4", "nf4_double"] as const) {
    it(`${dtype} weight`, async () => {
      await checkLinear(await testGpu(), { T: 37, d: 128, out: 52, r: 8, p: 0.1, dtype, biasDtype: "bf16" });
      // Rows of an odd number of vec4s: neighbouring columns of the input gradient in two blocks, the output by the
      // register kernel.
      await checkLinear(await testGpu(), { T: 21, d: 68, out: 44, dtype, residual: true });
    });
  }
  it("quantised weight in parts", async () => {
    const gpu = await testGpu({ maxBinding: 36_000 });
    await checkLinear(gpu, { T: 8, d: 64, out: 1100, r: 4, dtype: "int8" });
    await checkLinear(gpu, { T: 8, d: 128, out: 1100, r: 4, dtype: "nf4" });
  });
  it("several tiles, added to a residual, with a gradient accumulated before", async () => {
    await checkLinear(await testGpu(), {
      T: 147,
      d: 132,
      out: 76,
      r: 6,
      p: 0.5,
      dtype: "bf16",
      residual: true,
      added: true,
    });
  });
  it("rows and columns that end within a tile", async () => {
    for (const [T, d, out] of [
      [8, 8, 4],
      [17, 12, 68],
      [33, 68, 12],
    ] as const)
      await checkLinear(await testGpu(), { T, d, out, r: 4, dtype: "f32" });
  });
  it("sizes that do not fit, which take another kernel", async () => {
    await checkLinear(await testGpu(), { T: 13, d: 27, out: 35, r: 3, p: 0.25, dtype: "bf16", biasDtype: "f32" });
    await checkLinear(await testGpu(), { T: 1, d: 264, out: 520, r: 4, dtype: "bf16" });
  });
  it("weight and tokens in parts, few workgroups", async () => {
    await checkLinear(await testGpu({ maxBinding: 128 * 300 * 4, maxGroups: 13 }), {
      T: 140,
      d: 300,
      out: 300,
      r: 5,
      p: 0.1,
      dtype: "bf16",
      residual: true,
      added: true,
    });
    await checkLinear(await testGpu({ maxBinding: 128 * 420 * 2 }), {
      T: 20,
      d: 420,
      out: 260,
      r: 4,
      dtype: "bf16",
      biasDtype: "f16",
    });
  });
  it("ranks", async () => {
    for (const r of [1, 2, 4, 5, 7, 9, 20, 64])
      await checkLinear(await testGpu(), { T: 70, d: 68, out: 36, r, p: 0.05, dtype: "bf16" });
  });

  for (const heads of [
    { heads: 3, kvHeads: 1, headDim: 8 },
    { heads: 6, kvHeads: 2, headDim: 20 },
    { heads: 2, kvHeads: 2, headDim: 64 },
  ]) {
    it(`attention, ${heads.heads}/${heads.kvHeads} heads of ${heads.headDim}: packed and padded`, async () => {
      await checkAttention(await testGpu(), { bounds: packedBounds([5, 17, 1, 10], 4), heads });
      await checkAttention(await testGpu(), { bounds: packedBounds([101]), heads });
    });
  }
  it("attention: windows, wanted gradients, capped and large scores", async () => {
    const gpu = await testGpu();
    const heads = { heads: 3, kvHeads: 1, headDim: 8 };
    for (const window of [2, 7, 40])
      await checkAttention(gpu, { bounds: windowed(packedBounds([83, 14], 2), window), heads });
    for (const wanted of [["q"], ["v"], ["k", "v"]] as const)
      await checkAttention(gpu, { bounds: packedBounds([20, 16], 1), heads, wanted });
    const bounds = packedBounds([37]);
    await checkAttention(gpu, { bounds, heads, size: 12 });
    await checkAttention(gpu, { bounds: packedBounds([5, 17, 1, 10], 4), heads: { ...heads, softcap: 1.5 } });
    await checkAttention(gpu, { bounds, heads: { ...heads, softcap: 50 }, size: 12 });
    await checkAttention(gpu, { bounds, heads: { ...heads, softcap: 1.5 }, wanted: ["v"], size: 12 });
    const grouped = { heads: 4, kvHeads: 2, headDim: 8 };
    await checkAttention(await testGpu({ maxGroups: 4 }), { bounds: packedBounds([50, 51]), heads: grouped });
  });
  it("attention: what a query does not see contributes nothing, whatever it holds", async () => {
    const heads = { heads: 3, kvHeads: 1, headDim: 8 };
    await checkPoisonedNeighbours(await testGpu(), heads);
    await checkPoisonedKey(await testGpu(), heads);
  });
});
