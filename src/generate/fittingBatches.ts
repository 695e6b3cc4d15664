/**
 * @file Prompts that are asked together but are too much for the device: those whose caches fit are answered together,
 * in wide passes of one token per row; before that they are read in as many passes as their activations need.
 */

import { type Excess, isExcess } from "../engine/bindable.ts";

/** Prompts `from` to `to` (exclusive). */
export interface PromptRange {
  readonly from: number;
  readonly to: number;
}

/** Prompts that fit the device together, or a single one. */
export interface FittingRange extends PromptRange {
  /** Of a single prompt that is too large for the device; nothing of any other. */
  readonly excess: Excess;
}

/** Prompts that are answered together. */
export interface FittingBatch extends FittingRange {
  /** The passes that read the prompts, in order. */
  readonly reads: readonly FittingRange[];
}

/** What of prompts that go into the same passes is too large for the device. */
export interface PassExcess {
  /** Of passes that add one token to each, and of their cache. */
  readonly decode: (batch: PromptRange) => Excess;
  /** Of one pass that reads some prompts of a batch. */
  readonly read: (some: PromptRange, batch: PromptRange) => Excess;
}

/** Batches and passes are halved until they fit, or have one prompt. */
export function fittingBatches(prompts: number, { decode, read }: PassExcess): FittingBatch[] {
  return halved({ from: 0, to: prompts }, decode).map((batch) => ({
    ...batch,
    reads: halved(batch, (some) => read(some, batch)),
  }));
}

function halved({ from, to }: PromptRange, excessOf: (range: PromptRange) => Excess): FittingRange[] {
  if (to <= from) return [];
  const excess = excessOf({ from, to });
  if (to - from === 1 || !isExcess(excess)) return [{ from, to, excess }];
  const middle = Math.ceil((from + to) / 2);
  return [...halved({ from, to: middle }, excessOf), ...halved({ from: middle, to }, excessOf)];
}
