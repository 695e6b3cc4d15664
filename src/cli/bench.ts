/**
 * @file `basin bench`: what this device does, measured here and now.
 *
 *     matmul   each product of a training step: GFLOP/s, and as a share of the best that this device reached
 *     steps    a LoRA step and an AsFT step at three model sizes: tokens/s, ms, bytes; and the AsFT step's overhead
 *     profile  where the time of an AsFT step goes, dispatch by dispatch, by the device's own timestamps
 *
 * Times are medians; SFT and AsFT steps alternate, so that a machine that slows down slows both.
 */

import { median } from "simple-statistics";
import { workDone } from "../engine/completion.ts";
import { type Gpu, describeDevice, mebibytes } from "../engine/device.ts";
import type { Dispatch } from "../engine/encoder.ts";
import { Program } from "../engine/program.ts";
import { type BenchSize, GPU_SIZES, SOFTWARE_SIZES } from "../experiment/measure/benchModels.ts";
import { type Rig, createRig, sideOf } from "../experiment/measure/rig.ts";
import { type ProfileOptions, printProfiles } from "./benchProfile.ts";
import { cliGpu } from "./gpu.ts";
import { log, printJson } from "./report.ts";
import { table } from "./table.ts";

export const SUITES = ["matmul", "steps"] as const;

export interface BenchOptions extends ProfileOptions {
  readonly suite?: (typeof SUITES)[number];
  /** Instead of the suites: where the time of a step goes. */
  readonly profile?: boolean;
}

interface StepTiming {
  readonly ms: number;
  readonly tokens_per_second: number;
  readonly bytes: number;
}

interface SizeResult {
  readonly size: string;
  readonly parameters: number;
  readonly tokens: number;
  readonly sft: StepTiming;
  readonly asft: StepTiming;
  /** Of the AsFT step over the SFT step. */
  readonly overhead_percent: number;
}

interface ProductResult {
  readonly size: string;
  readonly product: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** How often a step has it. */
  readonly count: number;
  readonly gflops: number;
}

const BUDGET_MS = 6000;
const LEAST_ROUNDS = 4;

export async function bench({ suite, profile = false, ...options }: BenchOptions): Promise<void> {
  if (profile) {
    await printProfiles(options);
    return;
  }
  const { json = false, quantization } = options;
  const { gpu } = await cliGpu();
  const sizes = gpu.adapter.software ? SOFTWARE_SIZES : GPU_SIZES;
  const steps: SizeResult[] = [];
  const products: ProductResult[] = [];
  for (const size of sizes) {
    log(`measuring ${size.name}`);
    const rig = await createRig(gpu, size, ["sft", "asft"], quantization ?? null);
    if (suite !== "matmul") steps.push(await measureSteps(size, rig));
    if (suite !== "steps") products.push(...(await measureProducts(gpu, size, sideOf(rig, "sft").trainer.dispatches)));
    rig.destroy();
  }
  const best = Math.max(0, ...products.map(({ gflops }) => gflops));
  const device = describeDevice(gpu);
  if (json)
    printJson({
      device,
      software: gpu.adapter.software,
      quantization: quantization ?? null,
      matmul: products.map((product) => ({ ...product, share_of_best: product.gflops / best })),
      steps,
    });
  else process.stdout.write(`${device}\n${productTable(products, best)}${stepTable(steps)}`);
  gpu.destroy();
}

async function measureSteps(size: BenchSize, rig: Rig): Promise<SizeResult> {
  const times = { sft: [] as number[], asft: [] as number[] };
  const once = async (name: "sft" | "asft"): Promise<number> => {
    const started = performance.now();
    await sideOf(rig, name).trainer.step([rig.batch], 1e-5);
    return performance.now() - started;
  };
  for (const name of ["sft", "asft", "sft", "asft"] as const) await once(name); // warm up
  const began = performance.now();
  while (times.sft.length < LEAST_ROUNDS || performance.now() - began < BUDGET_MS) {
    // The order alternates as well: the second one may find warmer caches.
    const order = times.sft.length % 2 === 0 ? (["sft", "asft"] as const) : (["asft", "sft"] as const);
    for (const name of order) times[name].push(await once(name));
  }
  const tokens = rig.batch.realTokens;
  const timing = (name: "sft" | "asft"): StepTiming => {
    const ms = median(times[name]);
    return { ms, tokens_per_second: (1000 * tokens) / ms, bytes: sideOf(rig, name).bytes };
  };
  const [sft, asft] = [timing("sft"), timing("asft")];
  return {
    size: size.name,
    parameters: rig.parameters,
    tokens,
    sft,
    asft,
    overhead_percent: 100 * (asft.ms / sft.ms - 1),
  };
}

/** Each different product of the step, repeated in one submit until it takes long enough to be timed. */
async function measureProducts(gpu: Gpu, size: BenchSize, dispatches: readonly Dispatch[]): Promise<ProductResult[]> {
  const shapes = new Map<string, { dispatch: Dispatch; count: number }>();
  for (const dispatch of dispatches) {
    const { m, n, k } = dispatch.params;
    if (!dispatch.family.name.startsWith("matmul") || m === undefined || n === undefined || k === undefined) continue;
    const key = `${dispatch.entry} ${m} ${n} ${k}`;
    const known = shapes.get(key);
    shapes.set(key, { dispatch, count: (known?.count ?? 0) + 1 });
  }
  const results: ProductResult[] = [];
  for (const { dispatch, count } of shapes.values()) {
    const { m = 0, n = 0, k = 0 } = dispatch.params;
    const seconds = await secondsOf(gpu, dispatch);
    results.push({ size: size.name, product: dispatch.entry, m, n, k, count, gflops: dispatch.flops / seconds / 1e9 });
  }
  return results;
}

async function secondsOf(gpu: Gpu, dispatch: Dispatch): Promise<number> {
  const program = await Program.fromDispatches(gpu, [dispatch]);
  const time = async (repeats: number): Promise<number> => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repeats; i += 1) program.record(pass);
    pass.end();
    const started = performance.now();
    gpu.device.queue.submit([encoder.finish()]);
    await workDone(gpu.device);
    return performance.now() - started;
  };
  await time(1);
  let repeats = 1;
  while ((await time(repeats)) < 60 && repeats < 4096) repeats *= 4;
  const empty = await time(0);
  const runs: number[] = [];
  for (let i = 0; i < 3; i += 1) runs.push(await time(repeats));
  program.destroy();
  return Math.max(1e-3, median(runs) - empty) / 1000 / repeats;
}

function productTable(products: readonly ProductResult[], best: number): string {
  if (products.length === 0) return "";
  const rows = products.map(({ size, product, m, n, k, count, gflops }) => [
    size,
    product,
    `${m} × ${n} × ${k}`,
    String(count),
    gflops.toFixed(gflops < 10 ? 2 : 0),
    `${((100 * gflops) / best).toFixed(0)} %`,
  ]);
  return (
    "\nmatrix products of one training step (m × n × k)\n" +
    `${table(["model", "kernel", "shape", "per step", "GFLOP/s", "of best"], rows)}`
  );
}

function stepTable(steps: readonly SizeResult[]): string {
  if (steps.length === 0) return "";
  const rows = steps.flatMap(({ size, tokens, sft, asft, overhead_percent }) =>
    (
      [
        ["LoRA (SFT)", sft, ""],
        ["AsFT", asft, `${overhead_percent >= 0 ? "+" : ""}${overhead_percent.toFixed(1)} %`],
      ] as const
    ).map(([name, timing, overhead]) => [
      size,
      name,
      String(tokens),
      timing.ms.toFixed(1),
      timing.tokens_per_second.toFixed(0),
      mebibytes(timing.bytes),
      overhead,
    ]),
  );
  return (
    "\ntraining steps (r 8, q_proj and v_proj)\n" +
    `${table(["model", "step", "tokens", "ms", "tokens/s", "peak", "over SFT"], rows)}`
  );
}
