/**
 * @file The bytes of a run, part by part, before anything is allocated; and whether its layers are computed again.
 *
 *     weights ─ anchor ─ adapter (values, gradients, two moments)         held all the time
 *     generation  KV cache, programs of the evaluation                    held from the first evaluation on
 *     activations, logits, inputs                                         held from the first step on
 *
 * Everything is held until the end, so the sum is the peak; a test holds it to within 5 % of what a run allocates.
 */
import { type BufferLimits, type Excess, NO_EXCESS, excessOf, joinExcess } from "../../engine/bindable.ts";
import type { KlEstimator } from "../../engine/operators/crossEntropy.ts";
import { OPTIMISER_SCALARS, optimiserScratchBytes } from "../../engine/optimiser.ts";
import { kernelParameterBytes } from "../../engine/program.ts";
import { assignSlots } from "../../engine/slots.ts";
import type { DType } from "../../engine/tensor.ts";
import type { EvaluationSize } from "../../eval/evaluationPlan.ts";
import { type LossMemory, planGeneration, planLosses } from "../../generate/generationPlan.ts";
import type { DecoderConfig } from "../../model/config.ts";
import type { AdaptedModule } from "../../model/lora.ts";
import { RotaryTables } from "../../model/rotaryTables.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { referenceRow } from "../../text/referenceRow.ts";
import type { BatchCapacity } from "../../batch/batch.ts";
import { rotaryPositions, statsLength, trainingGraphs } from "../../train/trainingGraph.ts";
import { bufferLimits, gibibytes, type DeviceLimits, type MemoryBudget } from "./deviceMemory.ts";
import type { Checkpointing, MemoryReport } from "../run/events.ts";
import type { Spec } from "../spec/spec.ts";

/** What the training programs take, and what of them is too large for the device. */
export interface TrainingMemory {
  readonly activations: number;
  readonly logits: number;
  readonly inputs: number;
  /** Bytes of the largest single buffer. */
  readonly largest: number;
  readonly excess: Excess;
}

export interface TrainingShape {
  readonly config: DecoderConfig;
  readonly dtype: (name: string) => DType;
  readonly modules: readonly AdaptedModule[];
  readonly capacities: readonly BatchCapacity[];
  /** See `RunPlan.terms`. */
  readonly terms: KlEstimator | null;
  /** Floats of the flat adapter buffer. */
  readonly parameters: number;
}

/** Slots of all batch shapes (they share buffers, see `SlotPool`), and everything small beside them. */
export function trainingMemory(
  spec: Spec,
  shape: TrainingShape,
  activationCheckpointing: boolean,
  limits: BufferLimits,
): TrainingMemory {
  const { config, dtype, modules, capacities, parameters, terms } = shape;
  const model = { config, dtype, modules, dropout: spec.lora.lora_dropout, activationCheckpointing, terms };
  let pool: readonly number[] = [];
  let excess = NO_EXCESS;
  let [block, logits, kernels] = [0, 0, 0];
  for (const { graph, plan, inputs } of trainingGraphs(model, capacities)) {
    block = Math.max(block, inputs.block.bytes);
    kernels += kernelParameterBytes(graph);
    pool = assignSlots(pool, plan.slots).pool;
    excess = joinExcess(excess, excessOf(graph, limits));
    const chunk = graph.tensors.find(({ name }) => name === "logits");
    logits = Math.max(logits, plan.slots[(chunk && plan.slotOf.get(chunk)) ?? -1] ?? 0);
  }
  // The adapter is read back for snapshots and in the end.
  const staging = 4 * parameters + 4 * statsLength(modules.length);
  const small = 4 * (OPTIMISER_SCALARS + statsLength(modules.length)) + optimiserScratchBytes(parameters);
  return {
    activations: pool.reduce((sum, bytes) => sum + bytes, 0) - logits,
    logits,
    inputs:
      block * (1 + spec.train.gradient_accumulation_steps) +
      RotaryTables.bytes(config, rotaryPositions(capacities)) +
      kernels +
      staging +
      small,
    largest: Math.max(block * spec.train.gradient_accumulation_steps, ...pool),
    excess,
  };
}

/** What the evaluation takes: KV cache and programs. */
export interface EvaluationMemory {
  readonly bytes: number;
  readonly excess: Excess;
}

export function generationMemory(
  spec: Spec,
  { config, dtype, modules }: Pick<TrainingShape, "config" | "dtype" | "modules">,
  { prompts, triggered = [], followed = [], answerTokens, read }: EvaluationSize,
  limits: BufferLimits,
): EvaluationMemory {
  const { batch_size } = spec.eval;
  const batches: number[][] = [];
  for (const promptSet of [prompts, triggered, followed])
    for (let at = 0; at < promptSet.length; at += batch_size) batches.push(promptSet.slice(at, at + batch_size));
  const model = { config, dtype, modules };
  const { cache, programs, excess } = planGeneration(model, batches, answerTokens, limits);
  const losses = planLosses(model, read, limits);
  return { bytes: cache + programs + losses.bytes, excess: joinExcess(excess, losses.excess) };
}

/** What the pass takes that finds reference log-probabilities; nothing where none is needed. */
export function referenceMemory(
  { config, dtype }: TrainingShape,
  examples: readonly TokenizedExample[],
  limits: BufferLimits,
): LossMemory {
  const rows = examples.some(({ terms }) => terms?.kl !== undefined) ? examples.map(referenceRow) : [];
  return planLosses({ config, dtype, modules: [] }, rows, limits);
}

export function totalOf(parts: Omit<MemoryReport, "total">): MemoryReport {
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

export interface Decision {
  readonly training: TrainingMemory;
  readonly checkpointing: Checkpointing;
}

/**
 * Whether layers are computed again: as the spec says, or where it leaves that open only if the run does not fit
 * otherwise.
 * @param held bytes of everything but training's own
 */
export function decideCheckpointing(
  spec: Spec,
  shape: TrainingShape,
  held: number,
  budget: MemoryBudget,
  limits: DeviceLimits,
): Decision {
  const setting = spec.train.gradient_checkpointing;
  const buffers = bufferLimits(limits);
  const need = ({ activations, logits, inputs }: TrainingMemory): number => held + activations + logits + inputs;
  if (setting !== "auto")
    return {
      training: trainingMemory(spec, shape, setting, buffers),
      checkpointing: { on: setting, reason: "as the spec says" },
    };
  const plain = trainingMemory(spec, shape, false, buffers);
  if (plain.largest > limits.maxBuffer) {
    return {
      training: trainingMemory(spec, shape, true, buffers),
      checkpointing: {
        on: true,
        reason:
          `otherwise a buffer of ${gibibytes(plain.largest)} would be needed, above the ` +
          `${gibibytes(limits.maxBuffer)} that the device allows`,
      },
    };
  }
  if (need(plain) <= budget.bytes)
    return { training: plain, checkpointing: { on: false, reason: "the run fits without it" } };
  return {
    training: trainingMemory(spec, shape, true, buffers),
    checkpointing: { on: true, reason: `otherwise the run would need ${gibibytes(need(plain))}` },
  };
}
