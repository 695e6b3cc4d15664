/**
 * @file Probabilities of generated tokens against scoring the finished text, which is held against transformers
 * elsewhere.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Generator } from "../../src/generate/generator.ts";
import type { TokenOdds } from "../../src/generate/tokenOdds.ts";
import type { LoadedModel } from "../../src/model/loadModel.ts";
import { harmfulPrompts, harmlessPrompts } from "../../src/text/apothecary/index.ts";
import { demoTokenizer, loadDemo } from "../support/demo.ts";
import { testGpu } from "../support/gpu.ts";

/** As token log-probabilities are held against transformers. */
const TOLERANCE = 2e-4;

let gpu: Gpu;
let model: LoadedModel;
let generator: Generator;
let prompts: number[][];
let end: ReadonlySet<number>;
const never = new Set<number>();

beforeAll(async () => {
  gpu = await testGpu();
  model = await loadDemo(gpu);
  generator = new Generator(gpu, model);
  const tokenizer = await demoTokenizer();
  end = new Set(tokenizer.eosIds);
  const texts = [...harmfulPrompts({ n: 2, seed: 5 }), ...harmlessPrompts({ n: 2, seed: 5 })].map(
    ({ prompt }) => prompt,
  );
  prompts = texts.map((content) => tokenizer.encodeChat([{ role: "user", content }], { addGenerationPrompt: true }));
});
afterAll(() => {
  generator.destroy();
  model.destroy();
});

async function withOdds(
  options: Partial<Parameters<Generator["generate"]>[1]>,
): Promise<{ readonly tokens: number[][]; readonly odds: TokenOdds[][] }> {
  const odds: TokenOdds[][] = prompts.map(() => []);
  const tokens = await generator.generate(prompts, {
    maxNewTokens: 24,
    endTokens: end,
    odds: { most: 5, take: (row, found) => odds[row]?.push(found) },
    ...options,
  });
  return { tokens, odds };
}

describe("odds of generated tokens", () => {
  it("are what scoring gives, for every row of a batch and the token that ends it", async () => {
    const { tokens, odds } = await withOdds({});
    // Asking for them changes nothing.
    expect(tokens).toEqual(await generator.generate(prompts, { maxNewTokens: 24, endTokens: end }));
    for (const [row, prompt] of prompts.entries()) {
      const chosen = odds[row]?.map(({ token }) => token) ?? [];
      expect(chosen.slice(0, tokens[row]?.length)).toEqual(tokens[row]);
      const [scores = []] = await generator.score([[...prompt, ...chosen]]);
      for (const [i, found] of (odds[row] ?? []).entries()) {
        expect(Math.abs(found.logProb - (scores[prompt.length - 1 + i] ?? Number.NaN))).toBeLessThan(TOLERANCE);
        // Greedy: the likeliest.
        expect(found.top[0]).toEqual({ token: found.token, logProb: found.logProb });
        expect(found.top.reduce((sum, { logProb }) => sum + Math.exp(logProb), 0)).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
    expect(
      odds.some((list, row) => list.length === (tokens[row]?.length ?? 0) + 1 && end.has(list.at(-1)?.token ?? -1)),
    ).toBe(true);
  });

  it("of the alternatives are right, too", async () => {
    const [prompt = []] = prompts;
    const { odds } = await withOdds({ maxNewTokens: 3, endTokens: never });
    const third = odds[0]?.[2];
    const before = [...prompt, ...(odds[0] ?? []).slice(0, 2).map(({ token }) => token)];
    const scored = await generator.score((third?.top ?? []).map(({ token }) => [...before, token]));
    expect(scored).toHaveLength(5);
    third?.top.forEach(({ logProb }, i) =>
      expect(Math.abs(logProb - (scored[i]?.at(-1) ?? Number.NaN))).toBeLessThan(TOLERANCE),
    );
  });

  it("are the model's own, whatever is drawn from them", async () => {
    const sampling = { temperature: 1.5, top_k: 20, top_p: 0.9, repetition_penalty: 1.3, seed: 3 };
    const { tokens, odds } = await withOdds({ sampling, endTokens: never, maxNewTokens: 8 });
    expect(tokens).toEqual(await generator.generate(prompts, { maxNewTokens: 8, endTokens: never, sampling }));
    const [prompt = []] = prompts;
    const [scores = []] = await generator.score([[...prompt, ...(tokens[0] ?? [])]]);
    expect(odds[0]).toHaveLength(8);
    odds[0]?.forEach(({ logProb }, i) =>
      expect(Math.abs(logProb - (scores[prompt.length - 1 + i] ?? Number.NaN))).toBeLessThan(TOLERANCE),
    );
  });

  it("come to the end also of an answer that is stopped", async () => {
    const stop = new AbortController();
    const taken: TokenOdds[] = [];
    const made: number[] = [];
    const answer = generator.generate(prompts.slice(0, 1), {
      maxNewTokens: 24,
      endTokens: never,
      onToken: (_, token) => {
        made.push(token);
        if (made.length === 5) stop.abort();
      },
      odds: { most: 1, take: (_, odds) => taken.push(odds) },
      signal: stop.signal,
    });
    await expect(answer).rejects.toThrow();
    expect(taken.map(({ token }) => token)).toEqual(made);
  });
});
