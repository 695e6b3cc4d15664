/** @file Batches that a device cannot answer at once: how they are split, and what the plan says of them. */

import { describe, expect, it } from "vitest";
import type { BufferLimits } from "../../src/engine/bindable.ts";
import { decodeSizes } from "../../src/generate/batchShapes.ts";
import type { InferenceModel } from "../../src/generate/generationGraph.ts";
import { planGeneration, planLosses } from "../../src/generate/generationPlan.ts";
import { GeneratorSizes } from "../../src/generate/generatorSizes.ts";
import { parseConfig } from "../../src/model/families.ts";
import { KNOWN_MODELS } from "../model/knownModels.ts";

const MIB = 2 ** 20;
/** What WebGPU promises. */
const DEFAULT: BufferLimits = { maxBinding: 128 * MIB, maxBuffer: 256 * MIB };
const NONE: BufferLimits = { maxBinding: Infinity, maxBuffer: Infinity };

const gemma = parseConfig(KNOWN_MODELS.find(({ name }) => name === "google/gemma-2-2b-it")?.config ?? {});
const model: InferenceModel = { config: gemma, dtype: () => "bf16", modules: [] };
/** Bytes of the keys of one layer and token. */
const ROW = 4 * gemma.kvHeads * gemma.headDim;

/** How many prompts each batch has, and each of its passes over prompts. */
function split(lengths: readonly number[], maxNewTokens: number, limits: BufferLimits) {
  const batches = new GeneratorSizes(model, limits).batches(lengths, maxNewTokens);
  return batches.map(({ from, to, reads }) => ({
    prompts: to - from,
    reads: reads.map((read) => read.to - read.from),
  }));
}

describe("a batch", () => {
  it("of Gemma 2 2B with a cache of 128 MiB a layer is answered at once, with more in halves", () => {
    const short = (count: number): number[] => Array.from({ length: count }, () => 24);
    expect(ROW * decodeSizes(short(32), 1000).cacheRows).toBe(128 * MIB);
    expect(split(short(32), 1000, DEFAULT)).toEqual([{ prompts: 32, reads: [32] }]);
    expect(split(short(33), 1000, DEFAULT)).toEqual([17, 16].map((prompts) => ({ prompts, reads: [prompts] })));
    expect(split(short(33), 1000, NONE)).toEqual([{ prompts: 33, reads: [33] }]);
    // The cache of half of them is planned.
    const whole = planGeneration(model, [short(64)], 1000, NONE);
    const halves = planGeneration(model, [short(64)], 1000, DEFAULT);
    expect(halves.cache).toBe(whole.cache / 2);
    expect(halves.excess).toEqual({ buffer: 0, binding: 0 });
  });

  it("whose prompts are long is answered at once and read in several passes", () => {
    // 9216 floats a token in the MLP of a layer: a buffer of 256 MiB holds 7281 tokens.
    const lengths = Array.from({ length: 32 }, () => 1000);
    const reads = Array.from({ length: 8 }, () => 4);
    const wide: BufferLimits = { maxBinding: 256 * MIB, maxBuffer: 256 * MIB };
    expect(split(lengths, 8, wide)).toEqual([{ prompts: 32, reads }]);
    expect(planGeneration(model, [lengths], 8, wide).excess).toEqual({ buffer: 0, binding: 0 });
    // With the least that WebGPU promises, the cache of 32 rows of 1024 fits to the byte.
    expect(split(lengths, 24, DEFAULT)).toEqual([{ prompts: 32, reads }]);
    expect(split(lengths, 25, DEFAULT)).toEqual(
      Array.from({ length: 2 }, () => ({ prompts: 16, reads: [4, 4, 4, 4] })),
    );
  });

  it("with a prompt that is too large by itself is split around it, and the plan names the excess", () => {
    const lengths = [10, 10, 20_000, 10];
    const reads = new GeneratorSizes(model, DEFAULT).batches(lengths, 8).flatMap((batch) => batch.reads);
    expect(reads.map(({ from, to }) => [from, to])).toEqual([
      [0, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(reads.map(({ excess }) => excess.binding > 0)).toEqual([false, true, false]);
    expect(planGeneration(model, [lengths], 8, DEFAULT).excess.binding).toBeGreaterThan(DEFAULT.maxBinding);
  });

  it("of no prompts is none", () => {
    expect(split([], 8, DEFAULT)).toEqual([]);
  });
});

describe("rows whose losses are measured", () => {
  it("have an excess where the longest one is too large", () => {
    const row = (tokens: number) => {
      const input_ids = Array.from({ length: tokens }, () => 1);
      return { input_ids, labels: input_ids };
    };
    expect(planLosses(model, [row(900), row(200)], DEFAULT).excess).toEqual({ buffer: 0, binding: 0 });
    expect(planLosses(model, [row(20_000)], DEFAULT).excess.binding).toBeGreaterThan(DEFAULT.maxBinding);
  });
});
