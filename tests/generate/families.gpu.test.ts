/**
 * @file Decoding by every family's tiny checkpoint: a batch of prompts of unequal length gives the tokens that each
 * prompt gives alone, greedy and sampled, with the prompts on both sides of a sliding window. The log-probabilities are
 * the same to the bit with kernels for software adapters, and to rounding with those for GPUs.
 */
import { describe, expect, it } from "vitest";
import { Generator } from "../../src/generate/generator.ts";
import { distinctWindows } from "../../src/model/config.ts";
import { Rng } from "../../src/base/rng.ts";
import type { TokenOdds } from "../../src/generate/tokenOdds.ts";
import { Tally, largestDifference } from "../exactness/compare.ts";
import { loadGolden } from "../exactness/engine.ts";
import { type GoldenModel, MODELS } from "../exactness/golden.ts";
import { testGpu } from "../support/gpu.ts";

const never = new Set<number>();
const NEW = 9;
/** Of a log-probability. */
const ROUNDING = 3e-5;
const tally = new Tally("kernels for GPUs: a batch against each prompt alone, largest difference");

/**
 * Adapters of the other kind (software, GPU) have kernels of their own, chosen by the shapes at hand: a batch and a
 * single row differ.
 */
const OTHER_KERNELS: readonly GoldenModel[] = ["llama-tied", "mistral", "gemma3"];
const CASES = [
  ...MODELS.map((name) => ({ name, kernels: "this adapter's" })),
  ...OTHER_KERNELS.map((name) => ({ name, kernels: "the other kind's" })),
];

describe.each(CASES)("$name with $kernels kernels", ({ name, kernels }) => {
  it("gives in a batch the tokens and log-probabilities that each prompt gives alone", async () => {
    const own = await testGpu();
    const gpu =
      kernels === "this adapter's" ? own : { ...own, adapter: { ...own.adapter, software: !own.adapter.software } };
    const model = await loadGolden(gpu, name);
    const generator = new Generator(gpu, model);
    const window = Math.min(...distinctWindows(model.config).filter((size) => size !== undefined), 12);
    const rng = new Rng(`families ${name}`);
    const prompts = [3, window + 5, 1, window].map((length) =>
      Array.from({ length }, () => rng.below(model.config.vocabSize)),
    );
    const odds = async (some: readonly number[][]): Promise<number[][]> => {
      const found = some.map((): number[] => []);
      const take = (row: number, { top }: TokenOdds): void => {
        found[row]?.push(...top.toSorted((a, b) => a.token - b.token).map(({ logProb }) => logProb));
      };
      const most = model.config.vocabSize;
      await generator.generate(some, { maxNewTokens: NEW, endTokens: never, odds: { most, take } });
      return found;
    };
    const together = (await odds(prompts)).flat();
    const alone: number[] = [];
    for (const prompt of prompts) alone.push(...(await odds([prompt])).flat());
    expect(alone).toHaveLength(prompts.length * NEW * model.config.vocabSize);
    if (gpu.adapter.software && own.adapter.software) expect(together).toEqual(alone);
    else expect(tally.add(name, "log-probability", largestDifference(together, alone))).toBeLessThan(ROUNDING);

    for (const sampling of [undefined, { temperature: 0.8, top_k: 20, top_p: 0.9, repetition_penalty: 1.2, seed: 2 }]) {
      const options = { maxNewTokens: NEW, endTokens: never, ...(sampling ? { sampling } : {}) };
      const together = await generator.generate(prompts, options);
      const alone: number[][] = [];
      for (const prompt of prompts) alone.push(...(await generator.generate([prompt], options)));
      expect(together).toEqual(alone);
      expect(together.every((tokens) => tokens.length === NEW)).toBe(true);
    }
    generator.destroy();
    model.destroy();
  });
});
