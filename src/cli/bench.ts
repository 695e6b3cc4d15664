/**
 * @file `basin bench`: what this device does, measured here and now.
 *
 *     matmul   each product of a training step: GFLOP/s, and as a share of the best that this device reached
 *     steps    a LoRA step and an AsFT step at three model sizes: tokens/s, ms, bytes; and the AsFT step's overhead
 *
 * Times are medians; SFT and AsFT steps alternate, so that a machine that slows down slows both.
 */

import { type Gpu, describeDevice, mebibytes } from "../engine/device.ts";
import type { Dispatch } from "../engine/encoder.ts";
import { ParameterStore } from "../engine/parameters.ts";
import { Program } from "../engine/program.ts";
import type { Quantization } from "../experiment/quantization.ts";
import { bindMethod } from "../methods/registry.ts";
import { linearModules } from "../model/layout.ts";
import { loadModel } from "../model/loadModel.ts";
import { adaptedModule, adapterLayout } from "../model/lora.ts";
import { type PackedBatch, batchSize, packBatch } from "../text/batches.ts";
import { initialAdapter, writeAdapter } from "../train/initAdapter.ts";
import { bucketCapacities, capacityFor } from "../train/program.ts";
import { Trainer, createStats } from "../train/trainer.ts";
import { type BenchSize, GPU_SIZES, SOFTWARE_SIZES, benchModel } from "../experiment/measure/benchModels.ts";
import { cliGpu } from "./gpu.ts";
import { log, printJson } from "./report.ts";

export const SUITES = ["matmul", "steps"] as const;

export interface BenchOptions {
  readonly suite?: (typeof SUITES)[number];
  readonly json?: boolean;
  /** Of the layers' matrices; they are f16 unless given. */
  readonly quantization?: Quantization;
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

/** The projections that AsFT's and PEFT's defaults target. */
const TARGETS = ["q_proj", "v_proj"];
const BUDGET_MS = 6000;
const LEAST_ROUNDS = 4;

export async function bench({ suite, json = false, quantization }: BenchOptions): Promise<void> {
  const { gpu } = await cliGpu();
  const sizes = gpu.adapter.software ? SOFTWARE_SIZES : GPU_SIZES;
  const steps: SizeResult[] = [];
  const products: ProductResult[] = [];
  for (const size of sizes) {
    log(`measuring ${size.name}`);
    const rig = await createRig(gpu, size, quantization ?? null);
    if (suite !== "matmul") steps.push(await measureSteps(size, rig));
    if (suite !== "steps") products.push(...(await measureProducts(gpu, size, rig.sft.trainer.dispatches)));
    rig.destroy();
  }
  const best = Math.max(0, ...products.map(({ gflops }) => gflops));
  const device = describeDevice(gpu);
  if (json) printJson({ device, software: gpu.adapter.software, quantization: quantization ?? null, matmul: products.map((product) => ({ ...product, share_of_best: product.gflops / best })), steps });
  else process.stdout.write(`${device}\n${productTable(products, best)}${stepTable(steps)}`);
  gpu.destroy();
}

interface Side {
  readonly trainer: Trainer;
  readonly bytes: number;
}

interface Rig {
  readonly parameters: number;
  readonly batch: PackedBatch;
  readonly sft: Side;
  readonly asft: Side;
  destroy(): void;
}

/** One model with two trainers over it, each with an adapter of its own. */
async function createRig(gpu: Gpu, size: BenchSize, quantization: Quantization | null): Promise<Rig> {
  const aligned = benchModel(size, 1);
  const unaligned = benchModel(size, 2);
  const { config } = aligned;
  const model = await loadModel(gpu, config, aligned.reader, { name: size.name, quantization });
  const examples = Array.from({ length: size.rows }, (_, row) => {
    const input_ids = Array.from({ length: size.length }, (_, t) => (31 * row + 7 * t) % config.vocabSize);
    // As in instruction data, about half of the tokens carry loss.
    return { input_ids, labels: input_ids.map((id, t) => (t < size.length / 2 ? -100 : id)) };
  });
  const need = batchSize(examples, true);
  const capacities = bucketCapacities([need]);
  const batch = packBatch(examples, { packing: true, capacity: capacityFor(capacities, need) });
  const modules = linearModules(config)
    .filter(({ path }) => TARGETS.some((name) => path.endsWith(name)))
    .map((module) => adaptedModule(module, { r: 8, lora_alpha: 32, use_rslora: false }));
  const cleanup: (() => void)[] = [() => model.destroy()];
  const side = async (name: "sft" | "asft"): Promise<Side> => {
    const parameters = await ParameterStore.create(gpu, adapterLayout(modules));
    writeAdapter(parameters, modules, (module) => {
      const { A, B } = initialAdapter(module, 1);
      // As after some training: B is no longer zero.
      return { A, B: B.map((_, i) => 0.01 * Math.sin(i)) };
    });
    const stats = await createStats(gpu, modules.length);
    const method = await bindMethod(name === "sft" ? { name } : { name, lambda: 1 }).prepare({ gpu, modules, parameters, stats, aligned: aligned.reader, unaligned: unaligned.reader });
    const trainer = await Trainer.create({
      gpu,
      model,
      modules,
      parameters,
      stats,
      optimiser: { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0, max_grad_norm: 0 },
      lora_dropout: 0.05,
      seed: 1,
      capacities,
      gradient_accumulation_steps: 1,
      ...(method.dispatches.length > 0 ? { penalty: method } : {}),
    });
    cleanup.push(() => trainer.destroy(), () => method.destroy(), () => stats.buffer.destroy(), () => parameters.destroy());
    const { activations, inputs } = trainer.bytes;
    return { trainer, bytes: model.bytes + activations + inputs + ParameterStore.bytes(parameters.layout) + method.anchorBytes };
  };
  const sft = await side("sft");
  const asft = await side("asft");
  return { parameters: aligned.parameters, batch, sft, asft, destroy: () => cleanup.forEach((release) => release()) };
}

async function measureSteps(size: BenchSize, rig: Rig): Promise<SizeResult> {
  const times = { sft: [] as number[], asft: [] as number[] };
  const once = async (name: "sft" | "asft"): Promise<number> => {
    const started = performance.now();
    await rig[name].trainer.step([rig.batch], 1e-5);
    return performance.now() - started;
  };
  for (const name of ["sft", "asft", "sft", "asft"] as const) await once(name); // warm up
  const began = performance.now();
  while (times.sft.length < LEAST_ROUNDS || performance.now() - began < BUDGET_MS) {
    // The order alternates as well: whoever comes second may find warmer caches.
    const order = times.sft.length % 2 === 0 ? (["sft", "asft"] as const) : (["asft", "sft"] as const);
    for (const name of order) times[name].push(await once(name));
  }
  const tokens = rig.batch.realTokens;
  const timing = (name: "sft" | "asft"): StepTiming => {
    const ms = median(times[name]);
    return { ms, tokens_per_second: (1000 * tokens) / ms, bytes: rig[name].bytes };
  };
  const [sft, asft] = [timing("sft"), timing("asft")];
  return { size: size.name, parameters: rig.parameters, tokens, sft, asft, overhead_percent: 100 * (asft.ms / sft.ms - 1) };
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
  const program = await Program.ofDispatches(gpu, [dispatch]);
  const time = async (repeats: number): Promise<number> => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < repeats; i += 1) program.record(pass);
    pass.end();
    const started = performance.now();
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.device.queue.onSubmittedWorkDone();
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function productTable(products: readonly ProductResult[], best: number): string {
  if (products.length === 0) return "";
  const rows = products.map(({ size, product, m, n, k, count, gflops }) => [size, product, `${m} × ${n} × ${k}`, String(count), gflops.toFixed(gflops < 10 ? 2 : 0), `${((100 * gflops) / best).toFixed(0)} %`]);
  return `\nmatrix products of one training step (m × n × k)\n${table(["model", "kernel", "shape", "per step", "GFLOP/s", "of best"], rows)}`;
}

function stepTable(steps: readonly SizeResult[]): string {
  if (steps.length === 0) return "";
  const rows = steps.flatMap(({ size, tokens, sft, asft, overhead_percent }) =>
    ([["LoRA (SFT)", sft, ""], ["AsFT", asft, `${overhead_percent >= 0 ? "+" : ""}${overhead_percent.toFixed(1)} %`]] as const).map(([name, timing, overhead]) => [
      size, name, String(tokens), timing.ms.toFixed(1), timing.tokens_per_second.toFixed(0), mebibytes(timing.bytes), overhead,
    ]),
  );
  return `\ntraining steps (r 8, q_proj and v_proj)\n${table(["model", "step", "tokens", "ms", "tokens/s", "peak", "over SFT"], rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ").trimEnd();
  return `${line(head)}\n${rows.map((row) => line(row)).join("\n")}\n`;
}
