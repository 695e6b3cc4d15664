/** @file What a `Generator` will allocate for given prompts and rows, before anything is. */

import type { TokenizedExample } from "../text/example.ts";
import { TOKENS_PER_SUBMIT, decodeSizes, longestRow, scorePasses } from "./batchShapes.ts";
import type { InferenceModel } from "./generationGraph.ts";
import { GeneratorSizes } from "./generatorSizes.ts";

export interface GenerationMemory {
  /** Keys and values of all layers. */
  readonly cache: number;
  /** Everything else that the generator holds at its peak. */
  readonly programs: number;
}

/**
 * @param batches token counts of the prompts that are answered together, in order
 * @param maxNewTokens most tokens that each answer may have
 */
export function planGeneration(
  model: InferenceModel,
  batches: readonly (readonly number[])[],
  maxNewTokens: number,
): GenerationMemory {
  const sizes = new GeneratorSizes(model);
  if (maxNewTokens < 1) return { cache: 0, programs: 0 };
  let [transient, peak] = [0, 0];
  for (const lengths of batches) {
    if (lengths.length === 0) continue;
    const { prefillTokens, cacheRows, stride } = decodeSizes(lengths, maxNewTokens);
    sizes.reserve({ positions: stride, cacheRows });
    for (const tokens of [prefillTokens, lengths.length]) {
      const { inputs } = sizes.decode(tokens, lengths.length);
      transient = Math.max(transient, TOKENS_PER_SUBMIT * (inputs.block.bytes + 4 * lengths.length));
      peak = Math.max(peak, sizes.programBytes);
    }
  }
  return { cache: sizes.cacheBytes, programs: peak + transient };
}

/** Bytes that a generator holds to measure the losses of rows; with the read-back. */
export function planLosses(model: InferenceModel, rows: readonly TokenizedExample[]): number {
  if (rows.length === 0) return 0;
  const sizes = new GeneratorSizes(model);
  const { capacity } = scorePasses(rows);
  sizes.reserve({ positions: longestRow(rows), cacheRows: 0 });
  sizes.score(capacity);
  return sizes.programBytes + 4 * capacity.labels;
}
