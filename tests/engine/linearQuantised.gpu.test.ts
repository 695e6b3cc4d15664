/**
 * @file linear on int8 and NF4 weights against an f64 reference of the dequantised ones: both kernels, LoRA, dropout,
 * parts, finite differences.
 */

import { describe, it } from "vitest";
import { testGpu } from "../support/gpu.ts";
import { checkLinear } from "../support/linearCheck.ts";

const types = ["int8", "nf4", "nf4_double"] as const;

describe("linear on quantised weights agrees with f64:", () => {
  for (const dtype of types) {
    it(`${dtype}, register kernel, rows of whole blocks`, async () => {
      const gpu = await testGpu();
      await checkLinear(gpu, { T: 37, d: 128, out: 52, r: 8, p: 0.1, dtype, biasDtype: "bf16", kernel: "register" });
      // More than 256 blocks, and a gradient accumulated before.
      await checkLinear(gpu, { T: 9, d: 192, out: 132, r: 3, dtype, kernel: "register", residual: true, added: true });
    });
    it(`${dtype}, register kernel, odd sizes`, async () => {
      await checkLinear(await testGpu(), {
        T: 13,
        d: 27,
        out: 35,
        r: 3,
        p: 0.25,
        dtype,
        biasDtype: "f32",
        kernel: "register",
      });
    });
    it(`${dtype}, one token`, async () => {
      await checkLinear(await testGpu(), { T: 1, d: 256, out: 520, r: 4, dtype, kernel: "register" });
    });
    it(`${dtype}, weight in parts`, async () => {
      await checkLinear(await testGpu({ maxBinding: 34_000 }), {
        T: 4,
        d: 64,
        out: 1100,
        r: 4,
        dtype,
        kernel: "register",
      });
    });
  }
  it("nf4, rows that end within a block", async () => {
    await checkLinear(await testGpu(), { T: 6, d: 40, out: 36, dtype: "nf4", kernel: "register" });
  });
  // These take long to compile on a CPU; nf4_double differs in one function that the other kernels have tested.
  for (const dtype of ["int8", "nf4"] as const) {
    it(`${dtype}, shared kernel`, async () => {
      await checkLinear(await testGpu(), {
        T: 70,
        d: 64,
        out: 132,
        r: 6,
        p: 0.5,
        dtype,
        kernel: "shared",
        residual: true,
        added: true,
      });
    });
  }
});
