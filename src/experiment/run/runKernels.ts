/**
 * @file Which kernels a run uses. They are fixed when it begins, so that its steps, its evaluations and its resumption
 * add up in the same order whatever is measured meanwhile; a run that goes on takes those of its checkpoint, and one
 * that repeats another those of that.
 *
 * On a GPU what this run multiplies is measured first, for at most `GPU_BUDGET_MS`. A processor that plays a GPU is not
 * asked then: its built-in choices are measured ones, and what a run met is measured once the device is idle
 * (engine/routing/measure.ts).
 */

import type { Gpu } from "../../engine/device.ts";
import { collectMatmuls } from "../../engine/routing/collectMatmuls.ts";
import { measureRoutes } from "../../engine/routing/measure.ts";
import type { Router, RouteTable } from "../../engine/routing/router.ts";
import type { DType } from "../../engine/tensor.ts";
import type { DecoderConfig } from "../../model/config.ts";
import { trainingGraphs } from "../../train/trainingGraph.ts";
import type { KernelReport } from "./events.ts";
import { crc32 } from "../share/packedJson.ts";
import type { RunPlan } from "../plan/runPlan.ts";
import type { Spec } from "../spec/spec.ts";

const GPU_BUDGET_MS = 500;

/** What decides a model's products; a loaded model has it. */
export interface RoutedModel {
  readonly config: DecoderConfig;
  readonly dtype: (name: string) => DType;
}

export interface RunKernelsOptions {
  readonly gpu: Gpu;
  readonly spec: Spec;
  readonly plan: RunPlan;
  readonly model: RoutedModel;
  /** Of the checkpoint that the run goes on from, or of the run that it repeats. */
  readonly given: RouteTable | undefined;
  /** ms; what this kind of device is given by default. */
  readonly budgetMs?: number | undefined;
  readonly signal: AbortSignal;
  /** Called before something is measured. */
  readonly measuring: () => void;
}

export interface RunKernels {
  /** The device with a router that changes no more. */
  readonly gpu: Gpu;
  readonly table: RouteTable;
}

/** Lets the router see the matmuls of a run's training steps, of each shape of batch. */
export function collectRunMatmuls(gpu: Gpu, spec: Spec, { modules, capacities }: RunPlan, model: RoutedModel): void {
  const { config } = model;
  const trained = { config, dtype: (name: string) => model.dtype(name), modules, dropout: spec.lora.lora_dropout };
  for (const { graph } of trainingGraphs(trained, capacities)) collectMatmuls(gpu, graph);
}

/** @throws BasinError as `measureRoutes` */
export async function fixKernels({
  gpu,
  spec,
  plan,
  model,
  given,
  budgetMs = gpu.adapter.software ? 0 : GPU_BUDGET_MS,
  signal,
  measuring,
}: RunKernelsOptions): Promise<RunKernels> {
  if (given === undefined && budgetMs > 0) {
    collectRunMatmuls(gpu, spec, plan, model);
    if (gpu.router.pending.length > 0) {
      measuring();
      await measureRoutes(gpu, { budgetMs, interrupted: () => signal.aborted });
    }
  }
  const table = given ?? gpu.router.table;
  return { gpu: { ...gpu, router: gpu.router.withFixedRoutes(table) }, table };
}

/**
 * What a run that repeats this one needs to take the same kernels.
 * @param training the router that the training steps were encoded with
 * @param others that of everything else
 * @param table what both were fixed to
 */
export function kernelReport(training: Router, others: Router, table: RouteTable): KernelReport {
  const lines = [...training.chosen].map(([key, kernel]) => `${key} ${kernel}`).sort();
  const used = new Set([training, others].flatMap(({ chosen }) => [...chosen.keys()]));
  return {
    digest: crc32(new TextEncoder().encode(lines.join("\n")))
      .toString(16)
      .padStart(8, "0"),
    measured: Object.fromEntries(Object.entries(table).filter(([key]) => used.has(key))),
  };
}
