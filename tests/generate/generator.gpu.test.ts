/**
 * @file Decoding on the bundled model: a batch gives the tokens that each prompt gives alone, and the cache agrees with
 * a full pass.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { generateText } from "../../src/generate/generateText.ts";
import { Generator } from "../../src/generate/generator.ts";
import type { LoadedModel } from "../../src/model/loadModel.ts";
import { harmfulPrompts, harmlessPrompts } from "../../src/text/apothecary/index.ts";
import { demoTokenizer, loadDemo } from "../support/demo.ts";
import { testGpu } from "../support/gpu.ts";

let gpu: Gpu;
let model: LoadedModel;
let generator: Generator;
let prompts: number[][];
const never = new Set<number>();

beforeAll(async () => {
  gpu = await testGpu();
  model = await loadDemo(gpu);
  generator = new Generator(gpu, model);
  const tokenizer = await demoTokenizer();
  const texts = [...harmfulPrompts({ n: 3, seed: 5 }), ...harmlessPrompts({ n: 3, seed: 5 })].map(
    ({ prompt }) => prompt,
  );
  prompts = texts.map((content) => tokenizer.encodeChat([{ role: "user", content }], { addGenerationPrompt: true }));
});
afterAll(() => {
  generator.destroy();
  model.destroy();
});

describe("generator", () => {
  it("gives in a batch the tokens that each prompt gives alone", async () => {
    const together = await generator.generate(prompts, { maxNewTokens: 13, endTokens: never });
    const alone: number[][] = [];
    for (const prompt of prompts)
      alone.push(...(await generator.generate([prompt], { maxNewTokens: 13, endTokens: never })));
    expect(together).toEqual(alone);
    expect(together.every((tokens) => tokens.length === 13)).toBe(true);
  });

  it("agrees with scoring: every greedy token is the most likely one", async () => {
    const [prompt = []] = prompts;
    const [tokens = []] = await generator.generate([prompt], { maxNewTokens: 10, endTokens: never });
    const [scores = []] = await generator.score([[...prompt, ...tokens]]);
    const chosen = scores.slice(prompt.length - 1);
    for (const [index, logprob] of chosen.entries()) {
      const rivals = [1, 17, 99].map((offset) => [
        ...prompt,
        ...tokens.slice(0, index),
        ((tokens[index] ?? 0) + offset) % model.config.vocabSize,
      ]);
      for (const rival of await generator.score(rivals))
        expect(rival[rival.length - 1] ?? 0).toBeLessThanOrEqual(logprob + 1e-5);
    }
  });

  it("stops rows at an end token, streams tokens, and samples reproducibly", async () => {
    const [full = []] = await generator.generate([prompts[0] ?? []], { maxNewTokens: 12, endTokens: never });
    const end = full[5] ?? 0;
    const cut = full.indexOf(end);
    const streamed: number[] = [];
    const [stopped] = await generator.generate([prompts[0] ?? []], {
      maxNewTokens: 12,
      endTokens: new Set([end]),
      onToken: (_, token) => streamed.push(token),
    });
    expect(stopped).toEqual(full.slice(0, cut));
    expect(streamed).toEqual(stopped);
    const sampling = { temperature: 1.5, top_k: 0, top_p: 1, repetition_penalty: 1, seed: 3 };
    const [one] = await generator.generate([prompts[0] ?? []], { maxNewTokens: 8, endTokens: never, sampling });
    const [two] = await generator.generate([prompts[0] ?? []], { maxNewTokens: 8, endTokens: never, sampling });
    expect(one).toEqual(two);
    const [cold] = await generator.generate([prompts[0] ?? []], {
      maxNewTokens: 8,
      endTokens: never,
      sampling: { ...sampling, temperature: 1e-4 },
    });
    expect(cold).toEqual(full.slice(0, 8));
  });

  it("samples answers that do not depend on the rest of the batch; the same prompt twice gets two", async () => {
    const sampling = { temperature: 1.2, top_k: 50, top_p: 0.95, repetition_penalty: 1.1, seed: 9 };
    const together = await generator.generate(prompts, { maxNewTokens: 10, endTokens: never, sampling });
    const alone: number[][] = [];
    for (const prompt of prompts)
      alone.push(...(await generator.generate([prompt], { maxNewTokens: 10, endTokens: never, sampling })));
    expect(together).toEqual(alone);
    const [prompt = []] = prompts;
    const [first, second] = await generator.generate([prompt, prompt], {
      maxNewTokens: 10,
      endTokens: never,
      sampling,
    });
    expect(first).toEqual(alone[0]);
    expect(second).not.toEqual(first);
  });

  it("has a limit per row, and ends a row at a stop string that lies across tokens", async () => {
    const limits = prompts.map((_, row) => 2 * row);
    const free = await generator.generate(prompts, { maxNewTokens: 13, endTokens: never });
    expect(await generator.generate(prompts, { maxNewTokens: limits, endTokens: never })).toEqual(
      free.map((tokens, row) => tokens.slice(0, limits[row])),
    );
    const tokenizer = await demoTokenizer();
    const whole = tokenizer.decode(free[0] ?? []);
    // Three characters from the middle of one piece to the middle of a later one.
    const pieces = tokenizer.pieces(free[0] ?? []);
    const boundary = pieces.slice(0, 5).join("").length;
    const stop = whole.slice(boundary - 2, boundary + 2);
    const at = whole.indexOf(stop);
    const shown: string[] = [];
    const answers = await generateText(generator, tokenizer, prompts.slice(0, 2), {
      maxNewTokens: 13,
      endTokens: never,
      stop: [stop, "never written"],
      onText: (row, text) => row === 0 && shown.push(text),
    });
    expect(answers[0]).toMatchObject({ text: whole.slice(0, at), ended: "stop" });
    expect(shown.every((text) => whole.slice(0, at).startsWith(text))).toBe(true);
    // Without streaming several tokens go in one submit; the result is the same.
    expect(
      await generateText(generator, tokenizer, prompts.slice(0, 2), {
        maxNewTokens: 13,
        endTokens: never,
        stop: [stop, "never written"],
      }),
    ).toEqual(answers);
  });

  it("names a token that is not in the vocabulary", async () => {
    await expect(generator.generate([[1, 100000]], { maxNewTokens: 1, endTokens: never })).rejects.toThrow(
      /100000.*vocabulary/,
    );
    await expect(generator.score([[]])).rejects.toThrow(/no tokens/);
  });
});
