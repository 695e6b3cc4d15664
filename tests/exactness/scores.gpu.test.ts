/** @file Token log-probabilities and greedy tokens against transformers (+ PEFT) in float32. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { type AdapterOnDevice, Generator } from "../../src/generate/generator.ts";
import type { LoadedModel } from "../../src/model/loadModel.ts";
import { testGpu } from "../support/gpu.ts";
import { Tally, largestDifference } from "./compare.ts";
import { loadGolden, placeAdapter } from "./engine.ts";
import { type Golden, MODELS, readAdapter, readGolden } from "./golden.ts";

const tally = new Tally("token log-probabilities, largest absolute difference from transformers");

describe.each(MODELS)("%s", (name) => {
  let gpu: Gpu;
  let golden: Golden;
  let model: LoadedModel;
  let adapter: AdapterOnDevice;
  beforeAll(async () => {
    gpu = await testGpu();
    golden = await readGolden(name);
    model = await loadGolden(gpu, name);
    adapter = await placeAdapter(gpu, model, await readAdapter(name, golden.scores.adapted.adapter), "all-linear");
  });
  afterAll(() => {
    adapter.parameters.destroy();
    model.destroy();
  });

  it.each(["plain", "adapted"] as const)("%s: log-probabilities within 2e-4, greedy tokens equal", async (which) => {
    const { sequences, greedy } = golden.scores[which];
    const generator = new Generator(gpu, model, which === "adapted" ? adapter : undefined);
    const scored = await generator.score(sequences.map(({ tokens }) => tokens));
    sequences.forEach(({ token_logprobs }, index) => {
      expect(tally.add(name, which, largestDifference(scored[index] ?? [], token_logprobs))).toBeLessThanOrEqual(2e-4);
    });
    // All prompts in one batch: rows of unequal length.
    const made = await generator.generate(greedy.map(({ prompt }) => prompt), { maxNewTokens: 16, endTokens: new Set() });
    expect(made).toEqual(greedy.map(({ tokens }) => tokens));
    generator.destroy();
  });
});
