/**
 * @file Adding a matmul kernel: one record in the registry, and the router, the measurement, the probe and the panel
 * know it.
 */

import { beforeAll, describe, expect, it } from "vitest";
import { type Gpu, openGpu } from "../../src/engine/device.ts";
import { describeFastPaths } from "../../src/engine/fastPaths.ts";
import type { MatmulKernel } from "../../src/engine/matmul/matmulKernel.ts";
import { measureRoutes } from "../../src/engine/routing/measure.ts";
import { loadRoutes, saveRoutes } from "../../src/experiment/measure/kernelRoutes.ts";
import { KernelTuning } from "../../src/lab/worker/kernelTuning.ts";
import { flatKernel } from "../support/flatKernel.ts";
import { testApi } from "../support/gpu.ts";
import { checkLinear } from "../support/linearCheck.ts";

const CASE = { T: 40, d: 36, out: 44, dtype: "bf16" } as const;

const openWith = async (...moreKernels: MatmulKernel[]): Promise<Gpu> =>
  openGpu(await testApi(), { moreKernels, features: [] });

describe("a matmul kernel that is added to the registry", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openWith(flatKernel);
    return () => gpu.destroy();
  });

  it("is probed on the device, and its fast path is listed", () => {
    expect(gpu.fastPaths.passed).toContain("flat_rows");
    expect(describeFastPaths(gpu)).toContain("flat rows, which every device has");
  });

  it("is not used where its probe comes out wrong", async () => {
    const wrong: MatmulKernel = { ...flatKernel, entry: () => "nnRegister" };
    const other = await openWith(wrong);
    expect(other.fastPaths.passed).not.toContain("flat_rows");
    await checkLinear(other, CASE);
    expect([...other.router.chosen.values()]).not.toContain("flat");
    other.destroy();
  });

  it("is the router's choice by its rank, and computes the matmuls of a layer", async () => {
    await checkLinear(gpu, CASE);
    expect([...gpu.router.chosen]).toEqual([
      ["nt bf16 64×44×36", "flat"],
      ["nn bf16 64×36×44", "flat"],
    ]);
  });

  it("is measured beside the others, and its routes are stored", async () => {
    const { routes } = await measureRoutes(gpu, { budgetMs: 60_000 });
    expect(routes).toHaveLength(2);
    for (const { ms } of routes) expect(ms.flat).toBeGreaterThan(0);
    const texts = new Map<string, string>();
    const store = {
      read: async (name: string) => texts.get(name),
      write: async (name: string, text: string) => void texts.set(name, text),
      remove: async (name: string) => void texts.delete(name),
    };
    await saveRoutes(gpu, store, "test");
    const before = gpu.router.table;
    gpu.router.clear();
    await loadRoutes(gpu, store, "test");
    expect(gpu.router.table).toEqual(before);
  });

  it("is named and explained on the device panel", async () => {
    const never = (): Promise<undefined> => Promise.resolve(undefined);
    const tuning = new KernelTuning({
      store: { read: never, write: never, remove: never },
      platform: "test",
      after: () => () => undefined,
      alone: (work) => work(),
    });
    await tuning.adopt(gpu);
    const report = await tuning.run("look");
    expect(report.kernels).toContainEqual({ family: "dense", name: "flat", why: flatKernel.why });
    expect(report.rows.flatMap(({ kernel, others }) => [kernel, ...others.map((other) => other.kernel)])).toContain(
      "flat",
    );
  });
});
