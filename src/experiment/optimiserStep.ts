/** @file One planned step: its rows are laid out as batches, the schedule gives the rate, the trainer does the rest. */
import { batchSize, packBatch, pick } from "../text/batches.ts";
import type { TokenizedExample } from "../text/example.ts";
import { capacityFor } from "../train/capacities.ts";
import { learningRate } from "../train/schedule.ts";
import type { StepResult, Trainer } from "../train/trainer.ts";
import type { PlannedStep, RunPlan } from "./runPlan.ts";
import type { Spec } from "./spec.ts";

export interface StepRequest {
  readonly spec: Spec;
  readonly plan: RunPlan;
  readonly trainer: Trainer;
  /** All training rows; the step names its own by index. */
  readonly examples: readonly TokenizedExample[];
  readonly planned: PlannedStep;
  /** Steps of the schedule. */
  readonly total: number;
}

export interface TakenStep {
  readonly result: StepResult;
  readonly learning_rate: number;
  /** Padding not counted. */
  readonly tokens: number;
}

/** @throws DivergedError when the loss or the gradient is not a number */
export async function takeStep({ spec, plan, trainer, examples, planned: { step, epoch, microBatches }, total }: StepRequest): Promise<TakenStep> {
  const { packing } = spec.data;
  const packed = microBatches.map((indices) => {
    const picked = pick(examples, indices);
    return packBatch(picked, { packing, capacity: capacityFor(plan.capacities, batchSize(picked, packing)) });
  });
  const rate = learningRate(spec.train, step, total, epoch);
  const result = await trainer.step(packed, rate);
  return { result, learning_rate: rate, tokens: packed.reduce((sum, { realTokens }) => sum + realTokens, 0) };
}
