/** @file Token log-probabilities and greedy tokens against transformers (+ PEFT) in float32. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { perplexityOf } from "../../src/eval/evaluators/perplexity.ts";
import type { AdapterOnDevice } from "../../src/model/lora.ts";
import { Generator } from "../../src/generate/generator.ts";
import type { TokenOdds } from "../../src/generate/tokenOdds.ts";
import type { LoadedModel } from "../../src/model/loadModel.ts";
import { testGpu } from "../support/gpu.ts";
import { TOLERANCE, Tally, largestDifference } from "./compare.ts";
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

  it.each(["plain", "adapted"] as const)("%s: log-probabilities, greedy tokens equal", async (which) => {
    const { sequences, greedy } = golden.scores[which];
    const generator = new Generator(gpu, model, which === "adapted" ? adapter : undefined);
    const scored = await generator.score(sequences.map(({ tokens }) => tokens));
    sequences.forEach(({ token_logprobs }, index) => {
      expect(tally.add(name, which, largestDifference(scored[index] ?? [], token_logprobs))).toBeLessThanOrEqual(
        TOLERANCE.logProbability,
      );
    });
    // All prompts in one batch: rows of unequal length.
    const made = await generator.generate(
      greedy.map(({ prompt }) => prompt),
      { maxNewTokens: 16, endTokens: new Set() },
    );
    expect(made).toEqual(greedy.map(({ tokens }) => tokens));
    generator.destroy();
  });

  it.each(["plain", "adapted"] as const)("%s: what is told of a generated token", async (which) => {
    const { sequences } = golden.scores[which];
    const generator = new Generator(gpu, model, which === "adapted" ? adapter : undefined);
    // Some beginnings of each sequence; what transformers says of the next token is looked up among all alternatives.
    const begun = sequences.flatMap(({ tokens, token_logprobs }) =>
      [1, Math.floor(tokens.length / 2), tokens.length - 1]
        .filter((length) => length > 0)
        .map((length) => ({
          prompt: tokens.slice(0, length),
          next: tokens[length],
          logProb: token_logprobs[length - 1] ?? Number.NaN,
        })),
    );
    const told = new Map<number, TokenOdds>();
    await generator.generate(
      begun.map(({ prompt }) => prompt),
      {
        maxNewTokens: 1,
        endTokens: new Set(),
        odds: { most: model.config.vocabSize, take: (row, odds) => told.set(row, odds) },
      },
    );
    begun.forEach(({ next, logProb }, row) => {
      const found = told.get(row)?.top.find(({ token }) => token === next);
      expect(Math.abs((found?.logProb ?? Number.NaN) - logProb)).toBeLessThanOrEqual(TOLERANCE.logProbability);
    });
    generator.destroy();
  });

  it("perplexity over labelled tokens is exp of transformers' mean", async () => {
    const { sequences } = golden.scores.plain;
    // The second half of each sequence carries labels; the reference is the mean of the same tokens' log-probabilities.
    const from = (tokens: readonly number[]): number => Math.floor(tokens.length / 2);
    const rows = sequences.map(({ tokens }) => ({
      input_ids: tokens,
      labels: tokens.map((token, t) => (t < from(tokens) ? -100 : token)),
    }));
    const wanted = sequences.flatMap(({ tokens, token_logprobs }) =>
      token_logprobs.slice(Math.max(0, from(tokens) - 1)),
    );
    const generator = new Generator(gpu, model);
    const found = perplexityOf(await generator.losses(rows));
    generator.destroy();
    expect(found.tokens).toBe(wanted.length);
    const reference = Math.exp(-wanted.reduce((sum, logprob) => sum + logprob, 0) / wanted.length);
    expect(Math.abs(found.perplexity / reference - 1)).toBeLessThanOrEqual(TOLERANCE.logProbability);
  });
});
