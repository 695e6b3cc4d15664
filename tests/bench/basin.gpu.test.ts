import { expect, test } from "vitest";
import { basinOn } from "../../bench/contenders/basin.ts";
import { openTuned } from "../../bench/contenders/tuned.ts";
import { measureProduct } from "../../bench/sections/matmul.ts";
import { measureStep } from "../../bench/sections/step.ts";
import { MODELS, type ModelShape, products } from "../../bench/workload/products.ts";
import { Router } from "../../src/engine/routing/router.ts";
import { testGpu } from "../support/gpu.ts";

const PROTOCOL = { repetitions: 2, sampleMs: 0, patienceMs: 100_000 };
const failed = (contender: string, why: string): never => {
  throw new Error(`${contender}: ${why}`);
};

test("every matmul of a step is measured and correct, with both types of weights", async () => {
  const gpu = await testGpu();
  const contenders = [basinOn(gpu, "bf16", "test"), basinOn(gpu, "f32", "test")];
  const small: ModelShape = { name: "small", hidden: 64, kv: 32, intermediate: 96 };
  for (const product of products(small, 40, 8)) {
    const { timings } = await measureProduct(contenders, product, PROTOCOL, failed);
    expect(timings.map(({ contender }) => contender)).toEqual(["basin bf16", "basin f32"]);
    for (const { error, median, samples } of timings) {
      expect(error, JSON.stringify(product)).toBeLessThan(1e-5);
      expect(median).toBeGreaterThan(0);
      expect(samples).toBe(2);
    }
  }
});

test("the benchmark's LoRA step has the reference's loss; bf16 and f32 weights train alike", async () => {
  const gpu = await testGpu();
  const shape = {
    layers: 2,
    hidden: 48,
    heads: 4,
    kvHeads: 2,
    headDim: 12,
    intermediate: 80,
    rank: 4,
    alpha: 8,
    tokens: 24,
  };
  const { timings, reference } = await measureStep(
    [basinOn(gpu, "bf16", "test"), basinOn(gpu, "f32", "test")],
    shape,
    PROTOCOL,
    failed,
  );
  expect(reference).toBeGreaterThan(0);
  for (const { lossError } of timings) expect(Math.abs(lossError)).toBeLessThan(1e-5);
  const [bf16, f32] = timings;
  expect(bf16?.thirdLoss).toBeLessThan(bf16?.firstLoss ?? 0);
  expect(Math.abs((f32?.thirdLoss ?? 0) / (bf16?.thirdLoss ?? 1) - 1)).toBeLessThan(1e-5);
});

test("the models' shapes are those of their configurations", () => {
  expect(MODELS["135m"]).toMatchObject({ hidden: 576, kv: 192, intermediate: 1536 });
  expect(products(MODELS["135m"] ?? { name: "", hidden: 0, kv: 0, intermediate: 0 }, 256, 8)).toHaveLength(14);
});

test("the matmuls that Basin collected are measured, and it reopens with the fastest kernels", async () => {
  const gpu = await testGpu();
  const problem = { form: "nt", dtype: "f32", m: 8, n: 16, k: 32 } as const;
  const chosen: string[] = [];
  const candidates = ["register", "portable"] as const;
  const router = new Router();
  const open = () => {
    chosen.push(router.choose(problem, candidates));
    return Promise.resolve({ destroy: () => void chosen.push("destroyed") });
  };
  await openTuned({ ...gpu, router }, open, false);
  expect(chosen).toEqual(["register"]);
  await openTuned({ ...gpu, router }, open, true);
  expect(chosen.slice(0, 3)).toEqual(["register", "register", "destroyed"]);
  expect(chosen[3]).toBe(router.table["nt f32 8×16×32"]?.kernel);
});
