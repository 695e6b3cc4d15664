/**
 * @file Measuring routes on the device: every form is measured, the budget holds, an interruption leaves nothing half
 * done.
 */

import { describe, expect, it, vi } from "vitest";
import { KernelCache, kernelText } from "../../../src/engine/kernel.ts";
import { DispatchTimer, canProfile } from "../../../src/engine/profile.ts";
import { measureRoutes } from "../../../src/engine/routing/measure.ts";
import { type MatmulProblem, problemKey } from "../../../src/engine/routing/problem.ts";
import { type Candidates, Router } from "../../../src/engine/routing/router.ts";
import { testGpu } from "../../support/gpu.ts";

/** Small, and multiples of no tile; without the shared tile, which takes seconds to compile on some processors. */
const PROBLEMS: readonly MatmulProblem[] = [
  { form: "nt", dtype: "bf16", m: 40, n: 36, k: 44 },
  { form: "nn", dtype: "f32", m: 40, n: 36, k: 44 },
  { form: "nt", dtype: "int8", m: 40, n: 36, k: 44 },
  { form: "nn", dtype: "nf4_double", m: 40, n: 64, k: 36 },
  { form: "down", dtype: "f32", m: 40, n: 4, k: 44 },
  { form: "hidden", dtype: "f32", m: 40, n: 4, k: 44 },
  { form: "gradientA", dtype: "f32", m: 4, n: 36, k: 40 },
  { form: "gradientB", dtype: "f32", m: 36, n: 4, k: 40 },
];
const CANDIDATES: Candidates = ["register", "subgroup"];

async function gpuThatMet(problems: readonly MatmulProblem[]): Promise<Awaited<ReturnType<typeof testGpu>>> {
  const gpu = { ...(await testGpu()), router: new Router() };
  for (const problem of problems) gpu.router.choose(problem, CANDIDATES);
  return gpu;
}

describe("measuring routes", () => {
  it("times each candidate of every form and leaves no memory behind", async () => {
    const gpu = await gpuThatMet(PROBLEMS);
    const before = gpu.memory.live;
    const { routes, left } = await measureRoutes(gpu, { budgetMs: 60_000 });
    expect(left).toBe(0);
    expect(routes).toHaveLength(PROBLEMS.length);
    for (const { kernel, ms } of routes) {
      expect(CANDIDATES).toContain(kernel);
      for (const candidate of CANDIDATES) expect(ms[candidate]).toBeGreaterThan(0);
    }
    expect(Object.keys(gpu.router.table).sort()).toEqual(routes.map(({ problem }) => problemKey(problem)).sort());
    expect(gpu.memory.live).toBe(before);
  });

  it("begins no problem once the budget is spent", async () => {
    const gpu = await gpuThatMet(PROBLEMS);
    let clock = 0;
    // Each look at the clock is a second: the first problem takes up the budget.
    const { routes, left } = await measureRoutes(gpu, { budgetMs: 2000, now: () => (clock += 1000) });
    expect(routes).toHaveLength(1);
    expect(left).toBe(PROBLEMS.length - 1);
    expect((await measureRoutes(gpu, { budgetMs: 0 })).routes).toEqual([]);
  });

  it("gives way at once, and records nothing that was not measured to the end", async () => {
    const gpu = await gpuThatMet(PROBLEMS.slice(0, 2));
    const before = gpu.memory.live;
    let asked = 0;
    const { routes, left } = await measureRoutes(gpu, { budgetMs: 60_000, interrupted: () => (asked += 1) > 2 });
    expect(routes).toEqual([]);
    expect(left).toBe(2);
    expect(gpu.memory.live).toBe(before);
  });

  it("leaves out a kernel that does not compile here", async () => {
    const gpu = await gpuThatMet(PROBLEMS.slice(0, 1));
    // Text that no compiler takes, so that the device is told of it as it would be.
    const kernels = new KernelCache(gpu.device, (variant) =>
      variant.entry === "ntRegister" ? `${kernelText(variant)}\nfn refused() { nonsense(); }` : kernelText(variant),
    );
    const { routes } = await measureRoutes({ ...gpu, kernels }, { budgetMs: 60_000 });
    expect(routes.map(({ ms }) => "register" in ms)).toEqual([false]);
    await gpu.device.queue.onSubmittedWorkDone();
    expect(() => gpu.check()).not.toThrow();
  });

  it("goes by the page's clock where the device's timestamps disagree with it", async () => {
    const gpu = await gpuThatMet(PROBLEMS.slice(0, 1));
    const before = gpu.memory.live;
    const read = vi.spyOn(DispatchTimer.prototype, "read").mockResolvedValue([0]);
    try {
      const { routes } = await measureRoutes(gpu, { budgetMs: 60_000 });
      if (canProfile(gpu)) expect(read).toHaveBeenCalled();
      for (const candidate of CANDIDATES) expect(routes[0]?.ms[candidate]).toBeGreaterThan(0);
    } finally {
      read.mockRestore();
    }
    expect(gpu.memory.live).toBe(before);
  });

  it("cuts a vocabulary's side", async () => {
    const gpu = await gpuThatMet([{ form: "nt", dtype: "bf16", m: 1, n: 200_000, k: 16 }]);
    gpu.memory.resetPeak();
    await measureRoutes(gpu, { budgetMs: 60_000 });
    expect(gpu.memory.peak - gpu.memory.live).toBeLessThan(2 ** 20);
    expect(gpu.router.choose({ form: "nt", dtype: "bf16", m: 1, n: 200_000, k: 16 }, CANDIDATES)).toBeDefined();
    expect(gpu.router.pending).toEqual([]);
  });
});
