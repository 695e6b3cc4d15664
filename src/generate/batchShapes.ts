/**
 * @file The sizes that a batch of prompts takes in a generator, rounded up so that later batches find their programs
 * and buffers ready. In one place, because the plan of a run counts with them too.
 */
import { planCapacity, type BatchCapacity } from "../text/batches.ts";
import type { TokenizedExample } from "../text/example.ts";

/** Tokens that are decoded greedily per submit. */
export const TOKENS_PER_SUBMIT = 8;

/** Rows of the KV cache for prompts of these lengths, and how many of them each sequence has. */
export function cacheRowsFor(
  prompts: readonly number[],
  maxNewTokens: number,
): { readonly rows: number; readonly stride: number } {
  const region = Math.max(...prompts) + maxNewTokens;
  const rows = ceil(prompts.length * ceil(region, 32), 64);
  return { rows, stride: Math.floor(rows / prompts.length) };
}

/** Tokens of the pass over the prompts. */
export function roundedPrefill(prompts: readonly number[]): number {
  return ceil(
    prompts.reduce((sum, length) => sum + length, 0),
    32,
  );
}

/** Tokens that rows of which the loss is measured take together in one pass; a longer row takes a pass alone. */
const SCORED_TOKENS = 1024;

export interface ScorePasses {
  /** Indices of the rows of each pass, in order. */
  readonly batches: readonly (readonly number[])[];
  /** Every pass is filled up to this size, so that one program serves all. */
  readonly capacity: BatchCapacity;
}

/** How rows are packed when their losses are measured. */
export function scorePasses(rows: readonly TokenizedExample[]): ScorePasses {
  const batches: number[][] = [];
  let filled = Infinity;
  rows.forEach(({ input_ids }, row) => {
    if (filled + input_ids.length > SCORED_TOKENS) {
      batches.push([]);
      filled = 0;
    }
    batches.at(-1)?.push(row);
    filled += input_ids.length;
  });
  return { batches, capacity: planCapacity(rows, batches, { packing: true, multiple: 32 }) };
}

function ceil(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
