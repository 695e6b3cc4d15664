/** @file Heads of checkpoints that say they are tied. */
import { describe, expect, it } from "vitest";
import type { DecoderConfig } from "../../src/model/config.ts";
import { withStoredHead } from "../../src/model/storedHead.ts";
import { BasinError } from "../../src/base/error.ts";
import { memoryReader, type MemoryTensor } from "../methods/support.ts";

const tied = { tiedEmbeddings: true, vocabSize: 40, hiddenSize: 3 } as DecoderConfig;
const embedding: MemoryTensor = { shape: [40, 3], values: Float32Array.from({ length: 120 }, (_, i) => i) };

function tiedWith(head: MemoryTensor | null, more: object = {}): Promise<boolean> {
  const tensors = { "model.embed_tokens.weight": embedding, ...(head && { "lm_head.weight": head }) };
  return withStoredHead(tied, { ...memoryReader(tensors), ...more }).then(({ tiedEmbeddings }) => tiedEmbeddings);
}

describe("the head of a model with tie_word_embeddings", () => {
  it("is the embedding where none is stored, or a copy of it", async () => {
    expect(await tiedWith(null)).toBe(true);
    expect(await tiedWith(embedding)).toBe(true);
  });

  it("is the stored one where that differs: in its last value, its type or its shape", async () => {
    const values = embedding.values.slice();
    values[119] = 0;
    expect(await tiedWith({ ...embedding, values })).toBe(false);
    expect(await tiedWith({ ...embedding, dtype: "BF16" })).toBe(false);
    expect(await tiedWith({ shape: [2, 3], values: new Float32Array(6) })).toBe(false);
  });

  it("is the stored one where comparing would be two downloads more: the numbers are the same", async () => {
    expect(await tiedWith(embedding, { uncached: true })).toBe(false);
  });

  it("is refused where it is stored in a type that is not read", async () => {
    const unreadable = new Map([["lm_head.weight", { kind: "dtype", dtype: "F8_E5M2" }]]);
    await expect(tiedWith(null, { unreadable })).rejects.toThrow(BasinError);
  });

  it("stays as it is where the configuration does not tie it", async () => {
    const config = { ...tied, tiedEmbeddings: false };
    expect(await withStoredHead(config, memoryReader({}))).toBe(config);
  });
});
