/**
 * @file Every pipeline that the engine can ask for: its text is the one that is recorded, it compiles (Dawn's null
 * backend, no GPU), and it binds no more than every device allows.
 *
 * A change of shaders/ or of the linker shows here which texts it touches. Record them with
 * `npx vitest run tests/engine/wgslSnapshot.test.ts --update`.
 */

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelCache, kernelText } from "../../src/engine/kernel.ts";
import { SUBGROUP_MATRIX_FEATURE } from "../../src/engine/matmul/subgroupMatrix.ts";
import { kernelFamilies, kernelVariants, nameOf } from "../support/kernelVariants.ts";
import { nullGpu } from "../support/nullGpu.ts";

const variants = kernelVariants();

describe("pipelines", () => {
  let device: GPUDevice;
  beforeAll(async () => {
    const adapter = await nullGpu(["allow_unsafe_apis"]).requestAdapter();
    if (!adapter) throw new Error("Dawn's null backend gave no adapter");
    device = await adapter.requestDevice({ requiredFeatures: ["subgroups", "shader-f16", SUBGROUP_MATRIX_FEATURE] });
  });
  afterAll(() => device.destroy());

  it("use every family", () => {
    expect(new Set(variants.map(({ family }) => family))).toEqual(new Set(kernelFamilies));
  });

  it("have the texts that are recorded", async () => {
    const digests = variants.map((variant): readonly [string, string] => {
      const digest = createHash("sha256").update(kernelText(variant)).digest("hex");
      return [nameOf(variant), digest];
    });
    const sorted = Object.fromEntries(digests.sort(([a], [b]) => (a < b ? -1 : 1)));
    await expect(`${JSON.stringify(sorted, undefined, 2)}\n`).toMatchFileSnapshot("wgslSnapshot.json");
  });

  it("compile, with at most eight storage buffers", { timeout: 120_000 }, async () => {
    const cache = new KernelCache(device);
    for (const variant of variants) {
      const { bindings } = await cache.get(variant);
      const storage = bindings.filter(({ access }) => access !== "uniform");
      expect(storage.length, nameOf(variant)).toBeLessThanOrEqual(8);
    }
  });
});
