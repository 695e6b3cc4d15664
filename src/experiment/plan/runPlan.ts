/**
 * @file What a run will do and take, before anything is allocated: modules, steps, batch shapes, bytes.
 */
import { ParameterStore } from "../../engine/parameters.ts";
import type { KlEstimator } from "../../engine/operators/crossEntropy.ts";
import type { EvaluationSize } from "../../eval/evaluationPlan.ts";
import type { BoundMethod } from "../../methods/method.ts";
import { bindMethod } from "../../methods/registry.ts";
import type { Stream } from "../../methods/stages.ts";
import { linearModules } from "../../model/layout.ts";
import { modelBytes, weightDTypes } from "../../model/loadModel.ts";
import { adaptedModule, adapterLayout, type AdaptedModule } from "../../model/lora.ts";
import { batchSize, examplesAt } from "../../batch/packBatch.ts";
import { epochSteps, stepsPerEpoch, type StepBatches } from "../../train/epochs.ts";
import type { BatchCapacity } from "../../batch/batch.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { bucketCapacities } from "../../train/capacities.ts";
import { adapterAlpha, adapterRank } from "../../weights/adapterConfig.ts";
import { matchTargetModules } from "../../weights/targetModules.ts";
import type { TensorReader } from "../../weights/tensorReader.ts";
import { bufferLimits, memoryBudget, type DeviceLimits, type MemoryBudget } from "./deviceMemory.ts";
import type { Checkpointing, MemoryReport } from "../run/events.ts";
import { quantisedType } from "../run/quantization.ts";
import { decideCheckpointing, generationMemory, referenceMemory, totalOf } from "./runMemory.ts";
import type { Spec } from "../spec/spec.ts";
import type { ModelFiles } from "../run/textModel.ts";

export interface RunPlan {
  readonly modules: readonly AdaptedModule[];
  readonly totalSteps: number;
  /** Shapes of micro-batches, largest first. */
  readonly capacities: readonly BatchCapacity[];
  /** The estimator of the divergence where labels have terms (LossTerms); null: their loss is the cross-entropy. */
  readonly terms: KlEstimator | null;
  readonly memory: MemoryReport;
  readonly checkpointing: Checkpointing;
  readonly budget: MemoryBudget;
  /** Within the budget, and no buffer or binding above what the device allows. */
  readonly fits: boolean;
  /** Bytes. */
  readonly largestBuffer: number;
  /** Bytes of a tensor that would have to be bound whole and cannot be; 0: there is none. */
  readonly excessBinding: number;
  readonly trainableParameters: number;
  readonly rows: number;
}

/** What of a model a plan needs: its shapes. No tensor is read. */
export type PlannedModel = Pick<ModelFiles, "config" | "name"> & { readonly checkpoint: TensorReader };

/** One optimiser step of a run. */
export interface PlannedStep {
  /** 0-based. */
  readonly step: number;
  readonly epoch: number;
  /** Which rows it draws from. */
  readonly stream: Stream;
  readonly microBatches: StepBatches;
}

/**
 * The modules that a spec targets, in the model's order.
 * @throws BasinError for a name that matches nothing
 */
export function targetedModules(spec: Spec, config: ModelFiles["config"]): AdaptedModule[] {
  const all = linearModules(config);
  const paths = new Set(
    matchTargetModules(
      spec.lora.target_modules,
      all.map(({ path }) => path),
    ),
  );
  return all
    .filter(({ path }) => paths.has(path))
    .map((module) =>
      adaptedModule(module, {
        ...spec.lora,
        r: adapterRank(spec.lora, module.path),
        lora_alpha: adapterAlpha(spec.lora, module.path),
      }),
    );
}

/** As transformers: max_steps if given, else all epochs, the last one perhaps in part. */
export function totalSteps({ train }: Spec, rows: number): number {
  return train.max_steps > 0 ? train.max_steps : Math.ceil(train.num_train_epochs * stepsPerEpoch(rows, train));
}

/**
 * The optimiser steps of a run, in order. The last `safetyExamples` of the examples are the method's safety rows; where
 * these are a stream of their own, the method says in which steps they have their turn, and each stream goes on where
 * it was left.
 * @param examples all examples, safety rows included
 */
export function* plannedSteps(spec: Spec, examples: number, safetyExamples = 0): Generator<PlannedStep> {
  const bound = bindMethod(spec.method);
  const use = bound.rows.safety?.use;
  const rows = userExamples(bound, examples, safetyExamples);
  const total = totalSteps(spec, rows);
  const perEpoch = stepsPerEpoch(rows, spec.train);
  const streams = {
    user: endlessSteps(spec, rows),
    safety: endlessSteps(spec, use?.kind === "stream" ? safetyExamples : 0, rows),
  };
  for (let step = 0; step < total; step += 1) {
    const stream: Stream = use?.kind === "stream" ? use.streamOf(step) : "user";
    const next = streams[stream].next();
    if (next.done) return;
    yield { step, epoch: Math.floor(step / perEpoch), stream, microBatches: next.value };
  }
}

/** Steps that train the safe adapter of a method that has one, on the safety rows alone; none where it has not. */
export function* safeAdapterSteps(spec: Spec, examples: number, safetyExamples: number): Generator<PlannedStep> {
  if (bindMethod(spec.method).before.safeAdapter?.from !== "rows" || safetyExamples === 0) return;
  const perEpoch = stepsPerEpoch(safetyExamples, spec.train);
  const total = safeAdapterTotal(spec, safetyExamples);
  const batches = endlessSteps(spec, safetyExamples, examples - safetyExamples);
  for (let step = 0; step < total; step += 1) {
    const next = batches.next();
    if (next.done) return;
    yield { step, epoch: Math.floor(step / perEpoch), stream: "safety", microBatches: next.value };
  }
}

/** Passes over the first `count` of some steps without taking them. @returns how many micro-batches they have */
export function skipSteps(planned: Iterator<PlannedStep>, count: number): number {
  let microBatches = 0;
  for (let i = 0; i < count; i += 1) {
    const next = planned.next();
    if (next.done === true) throw new Error(`there are only ${i} of ${count} steps`);
    microBatches += next.value.microBatches.length;
  }
  return microBatches;
}

/** Number of `safeAdapterSteps`. */
export function safeAdapterTotal(spec: Spec, safetyExamples: number): number {
  const { safeAdapter } = bindMethod(spec.method).before;
  const epochs = safeAdapter?.from === "rows" ? safeAdapter.epochs : 0;
  return Math.ceil(epochs * stepsPerEpoch(safetyExamples, spec.train));
}

/** How many examples are trained on as the user's: all, but those that have a stream or an adapter of their own. */
function userExamples({ rows: { safety } }: BoundMethod, examples: number, safetyExamples: number): number {
  return safety === null || safety.use.kind === "mixed" ? examples : examples - safetyExamples;
}

/** Epoch after epoch of `rows` examples, the first of which is number `first`. Ends at once when there are none. */
function* endlessSteps(spec: Spec, rows: number, first = 0): Generator<StepBatches, void> {
  const plan = { ...spec.train, shuffle: spec.data.shuffle };
  for (let epoch = 0; rows > 0; epoch += 1) {
    for (const microBatches of epochSteps(rows, plan, epoch))
      yield first === 0 ? microBatches : microBatches.map((indices) => indices.map((index) => index + first));
  }
}

/** See `RunPlan.terms`. Weights alone need no estimator: either will do. */
function termsOf({ rows: { shaping } }: BoundMethod, examples: readonly TokenizedExample[]): KlEstimator | null {
  return examples.some((example) => example.terms !== undefined) ? (shaping?.estimator ?? "k2") : null;
}

export interface PlanSituation {
  readonly device: DeviceLimits;
  /** What the evaluations ask and read. */
  readonly evaluation: EvaluationSize;
  /** How many of the examples, counted from the end, are the method's safety rows; none unless given. */
  readonly safetyExamples?: number;
  /** Count only the largest batch shape: several times faster, and hardly less. */
  readonly coarse?: boolean;
}

/** Shapes of all micro-batches, largest first. */
function shapesOf(spec: Spec, examples: readonly TokenizedExample[], safetyExamples: number): BatchCapacity[] {
  const sizes: BatchCapacity[] = [];
  for (const { microBatches } of [
    ...plannedSteps(spec, examples.length, safetyExamples),
    ...safeAdapterSteps(spec, examples.length, safetyExamples),
  ]) {
    for (const indices of microBatches) sizes.push(batchSize(examplesAt(examples, indices), spec.data.packing));
  }
  return bucketCapacities(sizes);
}

/**
 * Shapes and bytes of a run. Nothing is read or allocated.
 * @throws BasinError when a targeted module does not exist, or a tensor is missing
 */
export function planRun(
  spec: Spec,
  { checkpoint, config, name }: PlannedModel,
  examples: readonly TokenizedExample[],
  { device, evaluation, safetyExamples = 0, coarse = false }: PlanSituation,
): RunPlan {
  const bound = bindMethod(spec.method);
  const modules = targetedModules(spec, config);
  const layout = adapterLayout(modules);
  const capacities = shapesOf(spec, examples, safetyExamples).slice(0, coarse ? 1 : undefined);
  const terms = termsOf(bound, examples);
  const quantization = quantisedType(spec.model);
  const dtypes = weightDTypes(config, checkpoint, name, quantization);
  const shape = {
    config,
    dtype: (weight: string) => dtypes.get(weight) ?? "f32",
    modules,
    capacities,
    parameters: layout.total,
    terms,
  };
  const budget = memoryBudget(spec, device);
  const references = referenceMemory(shape, examples, bufferLimits(device));
  const evaluated = generationMemory(spec, shape, evaluation, bufferLimits(device));
  const held = {
    weights: modelBytes(config, checkpoint, name, quantization),
    anchor: bound.deviceBytes(modules, device) + references.bytes,
    adapter: ParameterStore.bytes(layout),
    generation: evaluated.bytes,
  };
  const { training, checkpointing } = decideCheckpointing(
    spec,
    shape,
    totalOf({ ...held, activations: 0, logits: 0, inputs: 0 }).total,
    budget,
    device,
  );
  const { activations, logits, inputs } = training;
  const largestBuffer = Math.max(training.largest, 4 * layout.total, evaluated.excess.buffer, references.excess.buffer);
  const excessBinding = Math.max(training.excess.binding, evaluated.excess.binding, references.excess.binding);
  const { weights, anchor, adapter, generation } = held;
  const memory = totalOf({ weights, anchor, adapter, activations, logits, inputs, generation });
  return {
    modules,
    totalSteps: totalSteps(spec, userExamples(bound, examples.length, safetyExamples)),
    capacities,
    terms,
    memory,
    checkpointing,
    budget,
    fits: memory.total <= budget.bytes && largestBuffer <= device.maxBuffer && excessBinding === 0,
    largestBuffer,
    excessBinding,
    trainableParameters: modules.reduce(
      (sum, { r, inFeatures, outFeatures }) => sum + r * (inFeatures + outFeatures),
      0,
    ),
    rows: examples.length,
  };
}
