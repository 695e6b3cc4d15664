/**
 * @file What a run will do and take, before anything is allocated: modules, steps, batch shapes, bytes.
 */
import { BATCH_SCALARS } from "../engine/batchScalars.ts";
import { OPTIMISER_SCALARS } from "../engine/optimiser.ts";
import { ParameterStore } from "../engine/parameters.ts";
import type { DType } from "../engine/tensor.ts";
import { linearModules, weightSpecs } from "../model/layout.ts";
import { modelBytes } from "../model/loadModel.ts";
import { adaptedModule, adapterLayout, type AdaptedModule } from "../model/lora.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import { batchSize, epochSteps, pick, stepsPerEpoch, type BatchCapacity, type StepBatches } from "../text/batches.ts";
import type { TokenizedExample } from "../text/example.ts";
import { bucketCapacities, statsLength, trainingGraph } from "../train/program.ts";
import { adapterAlpha, adapterRank } from "../weights/adapterConfig.ts";
import { matchTargetModules } from "../weights/targetModules.ts";
import type { MemoryReport } from "./events.ts";
import { quantisedType } from "./quantization.ts";
import type { Spec } from "./spec.ts";
import type { ModelFiles } from "./textModel.ts";

export interface RunPlan {
  readonly modules: readonly AdaptedModule[];
  readonly totalSteps: number;
  /** Shapes of micro-batches, largest first. */
  readonly capacities: readonly BatchCapacity[];
  readonly memory: MemoryReport;
  readonly trainableParameters: number;
  readonly rows: number;
}

/** One optimiser step of a run. */
export interface PlannedStep {
  /** 0-based. */
  readonly step: number;
  readonly epoch: number;
  readonly microBatches: StepBatches;
}

/**
 * The modules that a spec targets, in the model's order.
 * @throws BasinError for a name that matches nothing
 */
export function targetedModules(spec: Spec, config: ModelFiles["config"]): AdaptedModule[] {
  const all = linearModules(config);
  const paths = new Set(matchTargetModules(spec.lora.target_modules, all.map(({ path }) => path)));
  return all.filter(({ path }) => paths.has(path)).map((module) => adaptedModule(module, { ...spec.lora, r: adapterRank(spec.lora, module.path), lora_alpha: adapterAlpha(spec.lora, module.path) }));
}

/** As transformers: max_steps if given, else all epochs, the last one perhaps in part. */
export function totalSteps({ train }: Spec, rows: number): number {
  return train.max_steps > 0 ? train.max_steps : Math.ceil(train.num_train_epochs * stepsPerEpoch(rows, train));
}

/** The optimiser steps of a run, in order. */
export function* plannedSteps(spec: Spec, rows: number): Generator<PlannedStep> {
  const total = totalSteps(spec, rows);
  const plan = { ...spec.train, shuffle: spec.data.shuffle };
  for (let epoch = 0, step = 0; step < total; epoch += 1) {
    for (const microBatches of epochSteps(rows, plan, epoch)) {
      if (step >= total) return;
      yield { step, epoch, microBatches };
      step += 1;
    }
  }
}

/**
 * @param anchorBytes what the method keeps on the device for these modules
 * @throws BasinError when a targeted module does not exist, or a tensor is missing
 */
export function planRun(spec: Spec, { checkpoint, config, name }: ModelFiles, examples: readonly TokenizedExample[], anchorBytes: (modules: readonly AdaptedModule[]) => number): RunPlan {
  const modules = targetedModules(spec, config);
  const layout = adapterLayout(modules);
  const sizes: BatchCapacity[] = [];
  for (const { microBatches } of plannedSteps(spec, examples.length)) {
    for (const indices of microBatches) sizes.push(batchSize(pick(examples, indices), spec.data.packing));
  }
  const capacities = bucketCapacities(sizes);
  const weights = modelBytes(config, checkpoint, name, quantisedType(spec.model));
  const { activations, inputs } = activationBytes(spec, { checkpoint, config, name }, modules, capacities);
  const adapter = ParameterStore.bytes(layout);
  const anchor = anchorBytes(modules);
  return {
    modules,
    totalSteps: totalSteps(spec, examples.length),
    capacities,
    memory: { weights, anchor, adapter, activations, inputs, total: weights + anchor + adapter + activations + inputs },
    trainableParameters: modules.reduce((sum, { r, inFeatures, outFeatures }) => sum + r * (inFeatures + outFeatures), 0),
    rows: examples.length,
  };
}

/** Bytes of the plan's slots over all batch shapes (they share buffers, see `SlotPool`), and of inputs. */
function activationBytes(spec: Spec, { checkpoint, config }: Pick<ModelFiles, "checkpoint" | "config" | "name">, modules: readonly AdaptedModule[], capacities: readonly BatchCapacity[]): { activations: number; inputs: number } {
  const known = new Set(weightSpecs(config).map(({ name }) => name));
  const dtype = (tensor: string): DType => {
    const stored = known.has(tensor) ? checkpoint.tensors.get(tensor)?.dtype : undefined;
    return stored === "F16" ? "f16" : stored === "BF16" ? "bf16" : "f32";
  };
  const positions = Math.max(...capacities.map(({ tokens }) => tokens));
  const pool: number[] = [];
  let block = 0;
  for (const capacity of capacities) {
    const training = trainingGraph({ config, dtype, modules, dropout: spec.lora.lora_dropout, capacity, positions });
    block = Math.max(block, training.block.bytes);
    growPool(pool, training.plan.slots);
  }
  const rotary = RotaryTables.bytes(config, positions);
  return {
    activations: pool.reduce((sum, bytes) => sum + bytes, 0),
    inputs: block * (1 + spec.train.gradient_accumulation_steps) + rotary + 4 * (OPTIMISER_SCALARS + BATCH_SCALARS + statsLength(modules.length)),
  };
}

/** The pool after one more program has taken its slots: the smallest free buffer that fits, else a new one. */
function growPool(pool: number[], slots: readonly number[]): void {
  const free = [...pool].sort((a, b) => a - b);
  for (const bytes of [...slots].sort((a, b) => b - a)) {
    const fit = free.findIndex((size) => size >= bytes);
    if (fit >= 0) free.splice(fit, 1);
    else pool.push(bytes);
  }
}
