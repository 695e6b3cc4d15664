/** @file What a `Generator` will allocate for given prompts and rows, before anything is. */

import { type BufferLimits, type Excess, NO_EXCESS, joinExcess } from "../engine/bindable.ts";
import type { TokenizedExample } from "../text/example.ts";
import { TOKENS_PER_SUBMIT, decodeSizes, longestRow, prefillTokens, scorePasses } from "./batchShapes.ts";
import type { InferenceModel } from "./generationGraph.ts";
import { GeneratorSizes } from "./generatorSizes.ts";

export interface GenerationMemory {
  /** Keys and values of all layers. */
  readonly cache: number;
  /** Everything else that the generator holds at its peak. */
  readonly programs: number;
  /** What of a single prompt is too large for the device. */
  readonly excess: Excess;
}

/**
 * @param batches token counts of the prompts that are answered together, in order
 * @param maxNewTokens most tokens that each answer may have
 * @param limits of the device; what exceeds them is split, as the generator does
 */
export function planGeneration(
  model: InferenceModel,
  batches: readonly (readonly number[])[],
  maxNewTokens: number,
  limits: BufferLimits,
): GenerationMemory {
  const sizes = new GeneratorSizes(model, limits);
  if (maxNewTokens < 1) return { cache: 0, programs: 0, excess: NO_EXCESS };
  let [transient, peak, excess] = [0, 0, NO_EXCESS];
  const pass = (tokens: number, sequences: number): void => {
    const { inputs } = sizes.decode(tokens, sequences);
    transient = Math.max(transient, TOKENS_PER_SUBMIT * (inputs.block.bytes + 4 * sequences));
    peak = Math.max(peak, sizes.programBytes);
  };
  for (const lengths of batches) {
    for (const { from, to, reads, excess: ofCache } of sizes.batches(lengths, maxNewTokens)) {
      excess = reads.reduce((most, some) => joinExcess(most, some.excess), joinExcess(excess, ofCache));
      const { cacheRows, stride } = decodeSizes(lengths.slice(from, to), maxNewTokens);
      sizes.reserve({ positions: stride, cacheRows });
      for (const some of reads) pass(prefillTokens(lengths.slice(some.from, some.to)), some.to - some.from);
      pass(to - from, to - from);
    }
  }
  return { cache: sizes.cacheBytes, programs: peak + transient, excess };
}

export interface LossMemory {
  /** Bytes that a generator holds; with the read-back. */
  readonly bytes: number;
  /** What of a pass is too large for the device. */
  readonly excess: Excess;
}

/** What a generator holds to measure the losses of rows. */
export function planLosses(model: InferenceModel, rows: readonly TokenizedExample[], limits: BufferLimits): LossMemory {
  if (rows.length === 0) return { bytes: 0, excess: NO_EXCESS };
  const sizes = new GeneratorSizes(model, limits);
  const { capacity } = scorePasses(rows);
  const positions = longestRow(rows);
  sizes.reserve({ positions, cacheRows: 0 });
  sizes.score(capacity);
  return { bytes: sizes.programBytes + 4 * capacity.labels, excess: sizes.scoreExcess(capacity, positions) };
}
