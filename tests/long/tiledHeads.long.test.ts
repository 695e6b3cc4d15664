/** @file The tiled attention kernels of real GPUs: every gradient with every head size, soft-capped and not. */

import { onSwiftShader } from "../support/swiftshader.ts";
import { expect, it } from "vitest";
import { pretend, testGpu } from "../support/gpu.ts";
import { HEAD_SIZES, checkDecode, checkTiled } from "../support/tiledHeads.ts";

const CASES = HEAD_SIZES.flatMap((headDim) => [{ headDim }, { headDim, softcap: 1.5 }]);

it.each(CASES)("%j", async (of) => {
  expect(onSwiftShader).toBe(true);
  const gpu = pretend(await testGpu(), false);
  await checkTiled(gpu, of, true);
  await checkDecode(gpu, of);
});
