/** @file Attention against an f64 reference, over packed ragged segments, padding and a cache; both kernel variants. */

import { type TestContext, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph } from "../../src/engine/graph.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import { type AttentionHeads, checkAttention, windowed } from "../support/attentionCheck.ts";
import { describeOnAdapters, testGpu } from "../support/gpu.ts";
import { checkPoisonedCache, checkPoisonedKey, checkPoisonedNeighbours } from "../support/poisonedAttention.ts";
import { packedBounds } from "../support/reference.ts";
import { HEAD_SIZES, checkDecode, checkTiled } from "../support/tiledHeads.ts";

const CASES = [
  { heads: 3, kvHeads: 1, headDim: 8 },
  { heads: 6, kvHeads: 2, headDim: 20 },
  { heads: 3, kvHeads: 1, headDim: 64 },
  { heads: 2, kvHeads: 2, headDim: 6 },
  { heads: 4, kvHeads: 2, headDim: 32 },
  { heads: 2, kvHeads: 1, headDim: 256 },
] as const;
/**
 * Kernels with barriers take a CPU many seconds to compile: one head size within a chunk of channels, one above.
 */
const TILED_CASES = [
  { heads: 3, kvHeads: 1, headDim: 8 },
  { heads: 4, kvHeads: 2, headDim: 40 },
] as const;

/** Heads that each kernel family has its own text for: quadruples and pairs, tiles. */
const CAPPED_CASES = [
  { heads: 6, kvHeads: 2, headDim: 20 },
  { heads: 2, kvHeads: 2, headDim: 6 },
] as const;
const CAPPED_TILED_CASES = [{ heads: 3, kvHeads: 1, headDim: 8 }] as const;

/** Skips head sizes of models on a CPU, which takes a minute to compile each; tiledHeads.gpu.test.ts has them. */
function skipLargeOnCpu(context: TestContext, { adapter }: Gpu): void {
  if (adapter.software) context.skip("a software adapter: tiledHeads.gpu.test.ts has these on SwiftShader");
}

/** Packed segments, the last tokens padding. */
const PACKED = packedBounds([5, 17, 1, 10], 4);
const PAIRS = { heads: 2, kvHeads: 2, headDim: 6 } as const;
const SMALL = { heads: 3, kvHeads: 1, headDim: 8 } as const;

describeOnAdapters("attention", ({ software, open }) => {
  const cases: readonly AttentionHeads[] = software ? CASES : TILED_CASES;
  it.each(cases)(
    "$heads/$kvHeads heads of $headDim: packed, forward and every gradient",
    { timeout: 600_000 },
    async (heads) => {
      await checkAttention(await open(), { bounds: PACKED, heads });
    },
  );

  if (!software) {
    it.for(HEAD_SIZES)("the head size %d of models: packed, every gradient, decoding", async (headDim, context) => {
      skipLargeOnCpu(context, await testGpu());
      await checkTiled(await open(), { headDim }, true);
      await checkTiled(await open(), { headDim, softcap: 1.5 }, true);
      await checkDecode(await open(), { headDim });
    });
  }

  it("one segment longer than a tile", async () => {
    await checkAttention(await open(), { bounds: packedBounds([101]), heads: { heads: 2, kvHeads: 1, headDim: 8 } });
  });

  it.each([2, 7, 40])("a sliding window of %d, whether or not it crosses tiles", async (window) => {
    // (In a window of 1 the gradients of q and k are zero and leave nothing to compare with.)
    await checkAttention(await open(), { bounds: windowed(packedBounds([83, 14], 2), window), heads: SMALL });
  });

  it.each([[["q"]], [["v"]], [["k"]], [["q", "v"]], [["k", "v"]]] as const)(
    "computes the gradients of %s only",
    async (wanted) => {
      await checkAttention(await open(), { bounds: packedBounds([20, 16], 1), heads: SMALL, wanted });
    },
  );

  it("does not overflow with large scores", async () => {
    const heads = { heads: 2, kvHeads: 2, headDim: 8 };
    await checkAttention(await open(), { bounds: packedBounds([37]), heads, size: 12 });
  });

  for (const heads of software ? CAPPED_CASES : CAPPED_TILED_CASES) {
    const name = `${heads.heads}/${heads.kvHeads} heads of ${heads.headDim}`;
    // Scores are about 1: a cap of 1.5 bends them, one of 1e4 leaves them.
    it.each([1.5, 1e4])(`${name}: scores capped at %d`, { timeout: 600_000 }, async (softcap) => {
      await checkAttention(await open(), { bounds: PACKED, heads: { ...heads, softcap } });
    });
    it(`${name}: large scores saturate at the cap, the gradient of values alone`, { timeout: 600_000 }, async () => {
      const bounds = packedBounds([37]);
      await checkAttention(await open(), { bounds, heads: { ...heads, softcap: 50 }, size: 12 });
      await checkAttention(await open(), { bounds, heads: { ...heads, softcap: 1.5 }, wanted: ["v"], size: 12 });
    });
  }

  // Few queries are decoded one by one, many (a prompt) in tiles.
  it.each([{ queries: 1 }, { queries: 3 }, { queries: 37 }, { queries: 300 }, { queries: 3, softcap: 1.5 }])(
    "reads rows of a cache with more rows than queries, %j",
    async ({ queries, softcap }) => {
      const bounds = new Uint32Array(4 * queries);
      for (let t = 0; t < queries; t++) bounds.set([(t * 13) % 150, 151 + ((t * 29) % 250), 0, 0], 4 * t);
      await checkAttention(await open(), { bounds, rows: 400, heads: { heads: 6, kvHeads: 2, headDim: 8, softcap } });
    },
  );

  const poisoned: readonly AttentionHeads[] = software ? [SMALL, PAIRS] : [SMALL, { ...SMALL, softcap: 1.5 }];
  it.each(poisoned)("rows of other sequences contribute nothing, whatever they hold: %j", async (heads) => {
    await checkPoisonedNeighbours(await open(), heads);
  });
  it.each(poisoned)("a key contributes nothing to queries that do not see it, whatever it holds: %j", async (heads) => {
    await checkPoisonedKey(await open(), heads);
  });
  it.each([3, 270])("stale rows of a cache contribute nothing to %d queries, whatever they hold", async (queries) => {
    await checkPoisonedCache(await open(), SMALL, queries);
  });
});

describe("attention", () => {
  it("folds many workgroups into two dimensions", async () => {
    const heads = { heads: 6, kvHeads: 2, headDim: 8 };
    await checkAttention(await testGpu({ maxGroups: 6 }), { bounds: packedBounds([50, 51]), heads });
  });

  it("is the same in every run", async () => {
    const of = { bounds: packedBounds([37]), heads: { heads: 3, kvHeads: 1, headDim: 20 } };
    const gpu = await testGpu();
    const [one, two] = [await checkAttention(gpu, of), await checkAttention(gpu, of)];
    expect({ ...one, dispatches: [] }).toEqual({ ...two, dispatches: [] });
  });

  it("refuses shapes that do not fit", () => {
    const graph = new Graph();
    const [q, k, v] = [graph.input("q", [4, 24]), graph.input("k", [4, 8]), graph.input("v", [4, 8])];
    const bounds = graph.input("bounds", [4, 4], "u32");
    const settings = { scale: 1, name: "attention" };
    expect(() => attention(graph, q, k, v, bounds, { ...settings, heads: 3, kvHeads: 2, headDim: 8 })).toThrow(
      "attention",
    );
    expect(() => attention(graph, q, k, v, bounds, { ...settings, heads: 8, kvHeads: 8, headDim: 3 })).toThrow(
      "heads of 3",
    );
    expect(() =>
      attention(graph, q, k, v, bounds, { ...settings, heads: 3, kvHeads: 1, headDim: 8, softcap: 0 }),
    ).toThrow("softcap of 0");
  });
});
