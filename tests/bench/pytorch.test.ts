/**
 * @file The other side of the benchmark, python/bench_step.py: its numbers are the benchmark's own, bit for bit, and
 * its step has the loss of the 64-bit reference. Skipped where there is no Python with torch, transformers and peft
 * (set BASIN_PYTHON to one).
 */
import { afterAll, expect, test } from "vitest";
import { openPython } from "../../bench/drivers/python.mjs";
import { openPytorch } from "../../bench/pytorch/contender.ts";
import { measureProduct } from "../../bench/sections/matmul.ts";
import { measureStep } from "../../bench/sections/step.ts";
import { numbers } from "../../bench/workload/numbers.ts";
import { findPython, finish, repository } from "../exactness/python.ts";

const search = await findPython();
const when = search.found
  ? ""
  : ` (skipped: no Python with torch, transformers and peft; ${search.why}; set BASIN_PYTHON)`;
const link = search.found ? openPython(search.python) : undefined;
afterAll(() => link?.close());

const PROTOCOL = { repetitions: 2, sampleMs: 0, patienceMs: 100_000 };
const failed = (contender: string, why: string): never => {
  throw new Error(`${contender}: ${why}`);
};

test(`Python draws the same numbers${when}`, async (context) => {
  if (!search.found) return context.skip(search.why);
  const program =
    "import json, bench_step; print(json.dumps([bench_step.numbers(500, seed, spread, " +
    "centre).tolist() for seed, spread, centre in ((1, 1, 0), (77, 0.05, 1))]))";
  const { stdout, stderr } = await finish(search.python, ["-c", program], { PYTHONPATH: `${repository}/python` });
  expect(JSON.parse(stdout || JSON.stringify(stderr))).toEqual([
    Array.from(numbers(500, 1, 1)),
    Array.from(numbers(500, 77, 0.05, 1)),
  ]);
}, 120_000);

test(`PyTorch + PEFT's step has the reference's loss, its products are right${when}`, async (context) => {
  if (!link) return context.skip("no Python");
  const float32 = await openPytorch(link.ask, "float32")({} as GPU);
  const bf16 = await openPytorch(link.ask, "bf16")({} as GPU);
  if ("refused" in float32 || "refused" in bf16) throw new Error("refused");
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
  const { timings } = await measureStep([float32, bf16], shape, PROTOCOL, failed);
  expect(Math.abs(timings[0]?.lossError ?? 1)).toBeLessThan(1e-6);
  expect(Math.abs(timings[1]?.lossError ?? 1)).toBeLessThan(1e-2);
  expect(timings[0]?.thirdLoss).toBeLessThan(timings[0]?.firstLoss ?? 0);
  for (const form of ["nt", "nn", "tn"] as const) {
    const result = await measureProduct(
      [float32, bf16],
      { model: "", role: "output", form, m: 13, n: 9, k: 21 },
      PROTOCOL,
      failed,
    );
    expect(result.timings[0]?.error).toBeLessThan(1e-6);
    expect(result.timings[1]?.error).toBeLessThan(1e-2);
  }
  await expect(link.ask({ do: "dance" })).rejects.toThrow("no such question: dance");
}, 120_000);

test("a Python that does not start is reported", async () => {
  const none = openPython("/nowhere/python");
  await expect(none.ask({ do: "hello" })).rejects.toThrow("PyTorch's process");
  await expect(none.ask({ do: "hello" })).rejects.toThrow("PyTorch's process");
});
