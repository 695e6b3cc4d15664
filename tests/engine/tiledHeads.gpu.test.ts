/**
 * @file The tiled attention kernels of real GPUs against f64, with the head sizes that models have. On SwiftShader,
 * which compiles kernels with barriers in a few seconds; the reverse pass of the largest here, of all of them in
 * tests/long.
 */

import { onSwiftShader } from "../support/swiftshader.ts";
import { beforeEach, describe, it } from "vitest";
import { pretend, testGpu } from "../support/gpu.ts";
import { HEAD_SIZES, checkDecode, checkTiled } from "../support/tiledHeads.ts";

beforeEach((context) => {
  if (!onSwiftShader) context.skip("only Vulkan systems have SwiftShader");
});

describe("tiled attention", () => {
  it.each(HEAD_SIZES)("packed, heads of %d", async (headDim) => {
    await checkTiled(pretend(await testGpu(), false), { headDim }, headDim === 256);
  });

  it.each(HEAD_SIZES)("decoding, heads of %d", async (headDim) => {
    await checkDecode(pretend(await testGpu(), false), { headDim });
  });

  it("soft-capped, heads of 256", async () => {
    const gpu = pretend(await testGpu(), false);
    await checkTiled(gpu, { headDim: 256, softcap: 1.5 }, false);
    await checkDecode(gpu, { headDim: 256, softcap: 1.5 });
  });
});
