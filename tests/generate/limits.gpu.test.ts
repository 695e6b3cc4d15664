/**
 * @file Generation on devices that bind less than a batch needs: prompts are read in several passes or answered in
 * smaller batches, and the answers are the same, on software adapters to the last bit.
 */

import { type TestContext, beforeAll, describe, expect, it, vi } from "vitest";
import { MemoryError } from "../../src/base/error.ts";
import { type Gpu, openGpu } from "../../src/engine/device.ts";
import { benchModel } from "../../src/experiment/measure/benchModels.ts";
import { type GenerateOptions, Generator } from "../../src/generate/generator.ts";
import { InferencePrograms } from "../../src/generate/inferencePrograms.ts";
import { type LoadedModel, loadModel } from "../../src/model/loadModel.ts";
import { harmfulPrompts, harmlessPrompts } from "../../src/text/apothecary/index.ts";
import { demoTokenizer, loadDemo } from "../support/demo.ts";
import { testApi, testGpu } from "../support/gpu.ts";
import { underLimits } from "../support/limits.ts";

/** 128 rows of the demo model's widest activation: the least that its products can be cut to. */
const LIMIT = 128 * 4 * 384;
const never = new Set<number>();

let gpu: Gpu;
let prompts: number[][];
beforeAll(async () => {
  gpu = await testGpu();
  const tokenizer = await demoTokenizer();
  const texts = [...harmfulPrompts({ n: 9, seed: 5 }), ...harmlessPrompts({ n: 9, seed: 5 })];
  prompts = texts.map(({ prompt }) =>
    tokenizer.encodeChat([{ role: "user", content: prompt }], { addGenerationPrompt: true }),
  );
});

/** What a generator of the bundled model gives. */
async function withDemo<T>(device: Gpu, use: (generator: Generator) => Promise<T>): Promise<T> {
  const model = await loadDemo(device);
  const generator = new Generator(device, model);
  try {
    return await use(generator);
  } finally {
    generator.destroy();
    model.destroy();
  }
}

/** The answers with all that is told of them meanwhile. */
async function told(generator: Generator, options: Partial<GenerateOptions>, asked = prompts) {
  const [streamed, odds, ended]: number[][][] = [asked.map(() => []), asked.map(() => []), asked.map(() => [])];
  const tokens = await generator.generate(asked, {
    maxNewTokens: asked.map((_, row) => 3 + (row % 4)),
    endTokens: never,
    onToken: (row, token) => streamed?.[row]?.push(token),
    odds: { most: 2, take: (row, { logProb }) => odds?.[row]?.push(logProb) },
    endsRow: (row, token) => {
      ended?.[row]?.push(token);
      return row === 4 && ended?.[row]?.length === 2;
    },
    ...options,
  });
  return { tokens, streamed, odds };
}

/** Where kernels depend on the number of rows, other batches differ in the last digits. */
function skipOnGpu(context: TestContext): void {
  if (!gpu.adapter.software) context.skip("kernels for GPUs round by the size of the batch");
}

describe("a device that binds less than a batch needs", () => {
  it("answers in smaller batches: the same tokens, sampled or not, and the same odds, row by row", async (context) => {
    skipOnGpu(context);
    const sampling = { temperature: 1.2, top_k: 50, top_p: 0.95, repetition_penalty: 1.1, seed: 9 };
    // The same prompt twice has two answers, whichever batches the two are in.
    prompts.push(prompts[0] ?? []);
    const ask = async (generator: Generator) => [
      await told(generator, {}),
      await told(generator, { sampling }),
      await generator.generate(prompts, { maxNewTokens: 40, endTokens: never }),
    ];
    const whole = await underLimits(gpu, {}, (device) => withDemo(device, ask));
    expect(whole.binding).toBeGreaterThan(LIMIT);
    const limits = { maxBinding: LIMIT, maxBuffer: 2 * LIMIT };
    const cut = await underLimits(gpu, limits, (device) => withDemo(device, ask));
    expect(cut.result).toEqual(whole.result);
    expect(cut.binding).toBeLessThanOrEqual(LIMIT);
    expect(cut.buffer).toBeLessThanOrEqual(2 * LIMIT);
  });

  it("reads long prompts in several passes and answers them at once: same tokens, same odds", async (context) => {
    skipOnGpu(context);
    const limits = { maxBinding: 3 * LIMIT, maxBuffer: 3 * LIMIT };
    const long = prompts.map((ids) => [...ids, ...ids, ...ids, ...ids]);
    const sampling = { temperature: 1.2, top_k: 50, top_p: 0.95, repetition_penalty: 1.1, seed: 9 };
    let sequences: (number | undefined)[] = [];
    const ask = async (generator: Generator) => {
      const submit = vi.spyOn(InferencePrograms.prototype, "submit");
      try {
        const asked = [
          await told(generator, {}, long),
          await told(generator, { sampling }, long),
          await generator.generate(long, { maxNewTokens: 9, endTokens: never }),
        ];
        sequences = submit.mock.calls.map(([{ built }]) => built.logits.shape[0]);
        return asked;
      } finally {
        submit.mockRestore();
      }
    };
    const whole = await underLimits(gpu, {}, (device) => withDemo(device, ask));
    expect(new Set(sequences)).toEqual(new Set([long.length]));
    const cut = await underLimits(gpu, limits, (device) => withDemo(device, ask));
    expect(cut.result).toEqual(whole.result);
    const reads = sequences.filter((count) => count !== long.length).length;
    expect(reads).toBeGreaterThan(6);
    // 5, 5 and 1 submits of all rows after the first token.
    expect(sequences.length - reads).toBe(11);
    expect(cut.buffer).toBeLessThanOrEqual(limits.maxBuffer);
  });

  it("gives the same losses and log-probabilities", async (context) => {
    skipOnGpu(context);
    const rows = prompts.map((ids) => ({ input_ids: ids, labels: ids }));
    const read = async (generator: Generator) => [await generator.losses(rows), await generator.score(prompts)];
    const whole = await underLimits(gpu, {}, (device) => withDemo(device, read));
    const limits = { maxBinding: 2 * LIMIT, maxBuffer: 4 * LIMIT };
    const cut = await underLimits(gpu, limits, (device) => withDemo(device, read));
    expect(cut.result).toEqual(whole.result);
    expect(whole.binding).toBeGreaterThan(2 * LIMIT);
    expect(cut.binding).toBeLessThanOrEqual(2 * LIMIT);
  });

  it("refuses a prompt that is too large by itself, and answers a smaller one", async () => {
    await underLimits(gpu, { maxBinding: LIMIT }, (device) =>
      withDemo(device, async (generator) => {
        const long = Array.from({ length: 400 }, () => 5);
        const answer = { maxNewTokens: 100, endTokens: never };
        const refusal = generator.generate([prompts[0] ?? [], long], answer);
        await expect(refusal).rejects.toBeInstanceOf(MemoryError);
        await expect(refusal).rejects.toThrow(/prompt of 400 tokens.*sequence 2.*Shorten/s);
        expect(await generator.generate([prompts[0] ?? []], { ...answer, maxNewTokens: 3 })).toHaveLength(1);
      }),
    );
  });
});

describe("a device with WebGPU's default limits", () => {
  it("answers prompts whose cache exceeds a binding of 128 MiB", async () => {
    const device = await openGpu(await testApi(), { defaultLimits: true });
    let model: LoadedModel | undefined;
    try {
      expect([device.maxBinding, device.maxBuffer]).toEqual([2 ** 27, 2 ** 28]);
      const { config, reader } = benchModel({ name: "wide cache", config: WIDE_CACHE, rows: 1, length: 1 }, 1);
      model = await loadModel(device, config, reader);
      const generator = new Generator(device, model);
      // 36 sequences of 1024 rows of 1024 floats: 144 MiB of keys. Every token ends an answer.
      const endTokens = new Set(Array.from({ length: config.vocabSize }, (_, token) => token));
      const asked = Array.from({ length: 36 }, (_, row) => [row, row + 1]);
      expect(await generator.generate(asked, { maxNewTokens: 1000, endTokens })).toEqual(asked.map(() => []));
      device.check();
      generator.destroy();
    } finally {
      model?.destroy();
      device.destroy();
    }
  });
});

const WIDE_CACHE = {
  model_type: "llama",
  hidden_size: 32,
  head_dim: 256,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  intermediate_size: 64,
  vocab_size: 64,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
};
