/** @file A tied model that stores a head of its own, against transformers (python/fixtures/stored_head.py). */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openModelFiles, loadWeights } from "../../src/experiment/run/textModel.ts";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import { Generator } from "../../src/generate/generator.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import { openCheckpoint, readTensorF32 } from "../../src/weights/checkpoint.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { encodeSafetensors } from "../../src/weights/safetensors.ts";
import { largestDifference } from "../exactness/compare.ts";
import { openGolden } from "../exactness/golden.ts";
import { testGpu } from "../support/gpu.ts";

const golden = JSON.parse(await readFile(new URL("../fixtures/storedHead.json", import.meta.url), "utf8")) as {
  readonly tokens: readonly number[];
  readonly token_logprobs: readonly number[];
};

describe("a head that is stored beside tie_word_embeddings", () => {
  it("gives transformers' log-probabilities", async () => {
    const original = await openGolden("llama-tied", "aligned");
    const tensors = await Promise.all(
      [...original.tensors.values()].map(async ({ name, shape }) => ({
        name,
        shape,
        values: await readTensorF32(original, name),
      })),
    );
    const embedding = tensors.find(({ name }) => name === "model.embed_tokens.weight");
    if (embedding === undefined) throw new Error("no embedding");
    const [rows = 0, columns = 0] = embedding.shape;
    const reversed = embedding.values.map((_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      return embedding.values[(rows - 1 - row) * columns + column] ?? 0;
    });
    const all = [...tensors, { name: "lm_head.weight", shape: embedding.shape, values: reversed }];
    const source = memorySource("stored head", {
      "config.json": new TextEncoder().encode(JSON.stringify(original.config)),
      "model.safetensors": encodeSafetensors(
        all.map(({ name, shape, values }) => ({ name, dtype: "F32", shape, bytes: fromFloat32(values, "F32") })),
      ),
    });
    const gpu = await testGpu();
    const environment = { ...nodeEnvironment(), openModel: () => openCheckpoint(source) };
    const model = await loadWeights(gpu, await openModelFiles(environment, "stored head"));
    const generator = new Generator(gpu, model);
    const [found = []] = await generator.score([golden.tokens]);
    generator.destroy();
    model.destroy();
    expect(largestDifference(found, golden.token_logprobs)).toBeLessThan(2e-5);
  });
});
