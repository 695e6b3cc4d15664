/**
 * @file The sizes that a batch of prompts takes in a generator, rounded up so that later batches find their programs and
 * buffers ready. In one place, because the plan of a run counts with them too.
 */

/** Tokens that are decoded greedily per submit. */
export const TOKENS_PER_SUBMIT = 8;

/** Rows of the rotary tables are a multiple of this. */
export const POSITIONS_STEP = 128;

/** Rows of the KV cache for prompts of these lengths, and how many of them each sequence has. */
export function cacheRowsFor(prompts: readonly number[], maxNewTokens: number): { readonly rows: number; readonly stride: number } {
  const region = Math.max(...prompts) + maxNewTokens;
  const rows = ceil(prompts.length * ceil(region, 32), 64);
  return { rows, stride: Math.floor(rows / prompts.length) };
}

/** Tokens of the pass over the prompts. */
export function roundedPrefill(prompts: readonly number[]): number {
  return ceil(prompts.reduce((sum, length) => sum + length, 0), 32);
}

function ceil(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
