/**
 * @file The shapes of a generator's passes, rounded up so that later batches find their programs and buffers ready. The
 * plan of a run counts with the same ones.
 */
import type { BatchCapacity } from "../batch/batch.ts";
import { planCapacity } from "../batch/packBatch.ts";
import type { TokenizedExample } from "../text/example.ts";

/** Tokens that are decoded greedily per submit. */
export const TOKENS_PER_SUBMIT = 8;

export interface DecodeSizes {
  /** Rows of the KV cache. */
  readonly cacheRows: number;
  /** How many of them each sequence has. */
  readonly stride: number;
}

/** What answering prompts of these lengths takes. */
export function decodeSizes(lengths: readonly number[], maxNewTokens: number): DecodeSizes {
  const region = Math.max(...lengths) + maxNewTokens;
  const cacheRows = ceil(lengths.length * ceil(region, 32), 64);
  return { cacheRows, stride: Math.floor(cacheRows / lengths.length) };
}

/** Tokens of a pass over prompts of these lengths. */
export function prefillTokens(lengths: readonly number[]): number {
  return ceil(
    lengths.reduce((sum, length) => sum + length, 0),
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

/** Tokens of the longest row, at least 1. */
export function longestRow(rows: readonly Pick<TokenizedExample, "input_ids">[]): number {
  return rows.reduce((most, { input_ids }) => Math.max(most, input_ids.length), 1);
}

function ceil(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
