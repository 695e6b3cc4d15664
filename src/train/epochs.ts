/** @file Which examples an optimiser step takes: the order of an epoch, cut into micro-batches and these into steps. */
import { BasinError } from "../base/error.ts";
import { Rng } from "../base/rng.ts";

/**
 * The order of one epoch: Fisher-Yates from the end, driven by sfc32 seeded with the text "shuffle/{seed}/{epoch}".
 * Depends on nothing but its arguments, so a run can be resumed or replayed from any epoch. (PyTorch's own order is
 * another one: a replay takes the order from here.)
 */
export function epochOrder(
  count: number,
  { seed, epoch, shuffle }: { readonly seed: number; readonly epoch: number; readonly shuffle: boolean },
): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  if (!shuffle) return order;
  const rng = new Rng(`shuffle/${seed}/${epoch}`);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = rng.below(i + 1);
    const [a, b] = [order[i] ?? 0, order[j] ?? 0];
    order[i] = b;
    order[j] = a;
  }
  return order;
}

/** How examples are grouped; names as in transformers. */
export interface BatchPlan {
  readonly per_device_train_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly seed: number;
  readonly shuffle: boolean;
}

/** One optimiser step: its micro-batches, each a list of example indices. */
export type StepBatches = readonly (readonly number[])[];

/**
 * The optimiser steps of one epoch. The last micro-batch may be short (dataloader_drop_last=false) and the last step
 * may have fewer micro-batches, as in transformers.
 */
export function epochSteps(count: number, plan: BatchPlan, epoch: number): StepBatches[] {
  const { per_device_train_batch_size: size, gradient_accumulation_steps: accumulation } = plan;
  checkPositive(size, "train.per_device_train_batch_size");
  checkPositive(accumulation, "train.gradient_accumulation_steps");
  const order = epochOrder(count, { seed: plan.seed, epoch, shuffle: plan.shuffle });
  return groups(groups(order, size), accumulation);
}

/** Optimiser steps in one epoch. */
export function stepsPerEpoch(
  count: number,
  plan: Pick<BatchPlan, "per_device_train_batch_size" | "gradient_accumulation_steps">,
): number {
  return Math.ceil(Math.ceil(count / plan.per_device_train_batch_size) / plan.gradient_accumulation_steps);
}

function groups<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let at = 0; at < items.length; at += size) out.push(items.slice(at, at + size));
  return out;
}

function checkPositive(value: number, where: string): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new BasinError({ what: `The value ${value} is not a whole number above 0`, where, fix: "Give 1 or more." });
}
