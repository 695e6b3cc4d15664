/** @file Prompts that are asked together but cannot be answered in one pass: they are halved until each part can. */

import { type Excess, isExcess } from "../engine/bindable.ts";

/** Prompts `from` to `to` (exclusive) are answered together. */
export interface FittingBatch {
  readonly from: number;
  readonly to: number;
  /** Of a single prompt that is too large for the device; nothing of any other. */
  readonly excess: Excess;
}

/**
 * @param lengths tokens of each prompt
 * @param excessOf what prompts of these lengths, answered together, have that is too large for the device
 */
export function fittingBatches(
  lengths: readonly number[],
  excessOf: (lengths: readonly number[]) => Excess,
): FittingBatch[] {
  const split = (from: number, to: number): FittingBatch[] => {
    const excess = excessOf(lengths.slice(from, to));
    if (to - from <= 1 || !isExcess(excess)) return [{ from, to, excess }];
    const middle = Math.ceil((from + to) / 2);
    return [...split(from, middle), ...split(middle, to)];
  };
  return lengths.length === 0 ? [] : split(0, lengths.length);
}
