/**
 * @file Prompts, and then one token of each, as batches against a KV cache. Every sequence has a region of the cache:
 *
 *     cache   | sequence 0: stride rows | sequence 1: stride rows | …
 *
 * Position p of sequence s is row s · stride + p.
 *
 * The prompts are packed into one pass without padding, or into several where the device cannot take them at once;
 * each pass after that adds one token per sequence.
 */
import { SKIPPED_CACHE_ROW } from "../engine/marks.ts";
import type { CachedBatch } from "./batch.ts";

export interface PromptBatchShape {
  /** T to fill up to. */
  readonly tokens: number;
  readonly stride: number;
  /** The sequence that the first of the prompts belongs to. */
  readonly first: number;
}

/** All tokens of prompts of consecutive sequences. */
export function promptBatch(
  prompts: readonly (readonly number[])[],
  { tokens, stride, first }: PromptBatchShape,
): CachedBatch {
  const ids = new Uint32Array(tokens);
  const positions = new Uint32Array(tokens);
  const bounds = new Uint32Array(4 * tokens);
  const cacheRows = new Uint32Array(tokens).fill(SKIPPED_CACHE_ROW);
  const last = new Uint32Array(prompts.length);
  let at = 0;
  prompts.forEach((prompt, row) => {
    const base = (first + row) * stride;
    prompt.forEach((token, position) => {
      ids[at] = token;
      positions[at] = position;
      bounds.set([base, base + position + 1, 0, 0], 4 * at);
      cacheRows[at] = base + position;
      at += 1;
    });
    last[row] = at - 1;
  });
  // Fillers write nothing and look at the cache row that the first of these prompts has just written.
  for (; at < tokens; at += 1) bounds.set([first * stride, first * stride + 1, 0, 0], 4 * at);
  return { ids, positions, bounds, cacheRows, last };
}

/**
 * One token per sequence.
 * @param ids [B] the tokens
 * @param lengths tokens of each sequence before this one
 */
export function nextTokenBatch(ids: Uint32Array, lengths: readonly number[], stride: number): CachedBatch {
  const positions = Uint32Array.from(lengths);
  const cacheRows = positions.map((position, row) => row * stride + position);
  const bounds = new Uint32Array(4 * lengths.length);
  cacheRows.forEach((cacheRow, row) => bounds.set([row * stride, cacheRow + 1, 0, 0], 4 * row));
  return { ids, positions, bounds, cacheRows, last: Uint32Array.from(lengths, (_, row) => row) };
}
