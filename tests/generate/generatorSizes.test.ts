/** @file How a generator's buffers grow, and when that drops its graphs. */

import { describe, expect, it } from "vitest";
import { GeneratorSizes, MOST_GRAPHS } from "../../src/generate/generatorSizes.ts";
import { parseConfig } from "../../src/model/families.ts";

const config = parseConfig({
  model_type: "llama",
  hidden_size: 64,
  head_dim: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 128,
  vocab_size: 256,
  tie_word_embeddings: true,
});

const limits = { maxBinding: 2 ** 27, maxBuffer: 2 ** 28 };

describe("a generator's buffers", () => {
  it("grow only where something is too small", () => {
    const sizes = new GeneratorSizes({ config, dtype: () => "bf16", modules: [] }, limits);
    sizes.reserve({ positions: 100, cacheRows: 64 });
    expect([sizes.positions, sizes.cacheRows, sizes.inputBytes]).toEqual([128, 64, 0]);
    sizes.reserve({ positions: 128, cacheRows: 32 });
    expect([sizes.positions, sizes.cacheRows, sizes.inputBytes]).toEqual([128, 64, 0]);
    // Keys and values of two layers, 2 · 16 floats a row.
    expect(sizes.cacheBytes).toBe(2 * 2 * 4 * 32 * 64);
    const { bytes } = sizes.decode(32, 2).inputs.block;
    expect(sizes.inputBytes).toBe(2 * bytes);
    expect([sizes.positions, sizes.cacheRows]).toEqual([128, 64]);
  });

  it("hold the graphs that were used last, however many sizes are asked for", () => {
    const sizes = new GeneratorSizes({ config, dtype: () => "bf16", modules: [] }, limits);
    sizes.reserve({ positions: 100, cacheRows: 64 });
    const largest = sizes.score({ tokens: 999, labels: 999 });
    const bytes: number[] = [];
    for (let labels = 1; labels <= 3 * MOST_GRAPHS; labels += 1) {
      const graph = sizes.score({ tokens: 32, labels });
      expect(sizes.score({ tokens: 999, labels: 999 })).toBe(largest);
      expect(sizes.holds(graph)).toBe(true);
      bytes.push(sizes.programBytes);
    }
    // One of them is the largest, which was used in between.
    expect(new Set(bytes.slice(MOST_GRAPHS - 2)).size).toBe(1);
    const first = sizes.decode(2, 2);
    for (let tokens = 1; tokens <= MOST_GRAPHS; tokens += 1) sizes.decode(tokens, 1);
    expect(sizes.holds(first)).toBe(false);
    expect(sizes.holds(largest)).toBe(true);
  });

  it("drop the graphs that were built for the old ones", () => {
    const sizes = new GeneratorSizes({ config, dtype: () => "bf16", modules: [] }, limits);
    sizes.reserve({ positions: 100, cacheRows: 64 });
    const prefill = sizes.decode(32, 2);
    const step = sizes.decode(2, 2);
    expect(sizes.decode(32, 2)).toBe(prefill);
    // Its inputs fit, though not exactly: twice as much was taken.
    expect(sizes.score({ tokens: 32, labels: 32 })).toBe(sizes.score({ tokens: 32, labels: 32 }));
    expect(sizes.decode(2, 2)).toBe(step);
    sizes.decode(512, 2);
    expect(sizes.decode(2, 2)).not.toBe(step);
    for (const larger of [
      { positions: 200, cacheRows: 64 },
      { positions: 200, cacheRows: 128 },
    ]) {
      const before = sizes.decode(2, 2);
      sizes.reserve(larger);
      expect(sizes.decode(2, 2)).not.toBe(before);
    }
  });
});
