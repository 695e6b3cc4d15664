/** @file Attention against an f64 reference, over packed ragged segments, padding and a cache; both kernel variants. */

import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph } from "../../src/engine/graph.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { checkAttention, inputs, windowed } from "../support/attentionCheck.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, pretend, relativeError } from "../support/numeric.ts";
import { attentionReference, packedBounds } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

const CASES = [
  { heads: 3, kvHeads: 1, headDim: 8 },
  { heads: 6, kvHeads: 2, headDim: 20 },
  { heads: 3, kvHeads: 1, headDim: 64 },
  { heads: 2, kvHeads: 2, headDim: 6 },
  { heads: 4, kvHeads: 2, headDim: 32 },
  { heads: 2, kvHeads: 1, headDim: 256 },
] as const;
/**
 * Kernels with barriers take a processor many seconds to compile: one head size within a chunk of channels, one above.
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

for (const software of [true, false]) {
  describe(`attention, variant for ${software ? "software" : "real"} adapters`, () => {
    let gpu: Gpu;
    beforeAll(async () => {
      gpu = pretend(await testGpu(), software);
    });

    for (const heads of software ? CASES : TILED_CASES) {
      it(`${heads.heads}/${heads.kvHeads} heads of ${heads.headDim}: packed, forward and every gradient`, {
        timeout: 600_000,
      }, async () => {
        await checkAttention(gpu, packedBounds([5, 17, 1, 10], 4), heads);
      });
    }

    it("one segment longer than a tile", async () => {
      await checkAttention(gpu, packedBounds([101]), { heads: 2, kvHeads: 1, headDim: 8 });
    });

    it("sliding windows clip a token's keys and queries, whether or not the window crosses tiles", async () => {
      // (In a window of 1 the gradients of q and k are zero and leave nothing to compare with.)
      for (const window of [2, 7, 40])
        await checkAttention(gpu, windowed(packedBounds([83, 14], 2), window), { heads: 3, kvHeads: 1, headDim: 8 });
    });

    it("gives only the gradients that are wanted", async () => {
      for (const wanted of [["q"], ["v"], ["k"], ["q", "v"], ["k", "v"]] as const) {
        await checkAttention(gpu, packedBounds([20, 16], 1), { heads: 3, kvHeads: 1, headDim: 8 }, wanted);
      }
    });

    it("does not overflow with large scores", async () => {
      await checkAttention(gpu, packedBounds([37]), { heads: 2, kvHeads: 2, headDim: 8 }, ["q", "k", "v"], 12);
    });

    for (const heads of software ? CAPPED_CASES : CAPPED_TILED_CASES) {
      // Scores are about 1: a cap of 1.5 bends them, one of 1e4 leaves them.
      for (const softcap of [1.5, 1e4]) {
        it(`${heads.heads}/${heads.kvHeads} heads of ${heads.headDim}: scores capped at ${softcap}`, {
          timeout: 600_000,
        }, async () => {
          await checkAttention(gpu, packedBounds([5, 17, 1, 10], 4), { ...heads, softcap });
        });
      }
      it(`${heads.headDim} channels: large scores saturate at the cap, the gradient of values alone`, {
        timeout: 600_000,
      }, async () => {
        await checkAttention(gpu, packedBounds([37]), { ...heads, softcap: 50 }, ["q", "k", "v"], 12);
        await checkAttention(gpu, packedBounds([37]), { ...heads, softcap: 1.5 }, ["v"], 12);
      });
    }

    // Few queries are decoded one by one, many (a prompt) in tiles.
    for (const { queries, softcap } of [
      { queries: 1 },
      { queries: 3 },
      { queries: 37 },
      { queries: 300 },
      { queries: 3, softcap: 1.5 },
    ]) {
      it(`reads rows of a cache with S above T = ${queries}${softcap ? ", capped scores" : ""}`, async () => {
        const rows = 400;
        const [heads, kvHeads, headDim] = [6, 2, 8];
        const bounds = new Uint32Array(4 * queries);
        for (let t = 0; t < queries; t++) bounds.set([(t * 13) % 150, 151 + ((t * 29) % 250), 0, 0], 4 * t);
        const [q, k, v] = [
          normal(queries * heads * headDim, 1),
          normal(rows * kvHeads * headDim, 2),
          normal(rows * kvHeads * headDim, 3),
        ];
        const graph = new Graph();
        const [tq, tk, tv, tb] = inputs(graph, queries, rows, heads, kvHeads, headDim);
        const scale = 1 / Math.sqrt(headDim);
        const o = graph.retain(
          attention(graph, tq, tk, tv, tb, { heads, kvHeads, headDim, scale, softcap, name: "attention" }),
        );
        const run = await runGraph(
          gpu,
          graph,
          new Map<Tensor, ArrayBufferView>([
            [tq, q],
            [tk, k],
            [tv, v],
            [tb, bounds],
          ]),
        );
        expect(
          relativeError(
            await run.read(o),
            attentionReference(q, k, v, { heads, kvHeads, headDim, scale, softcap, bounds }),
          ),
        ).toBeLessThan(2e-6);
        run.destroy();
      });
    }
  });
}

describe("attention", () => {
  it("folds many workgroups into two dimensions", async () => {
    await checkAttention(await testGpu({ maxGroups: 6 }), packedBounds([50, 51]), { heads: 6, kvHeads: 2, headDim: 8 });
  });

  it("is the same in every run", async () => {
    const gpu = await testGpu();
    const one = await checkAttention(gpu, packedBounds([37]), { heads: 3, kvHeads: 1, headDim: 20 });
    const two = await checkAttention(gpu, packedBounds([37]), { heads: 3, kvHeads: 1, headDim: 20 });
    expect(one).toEqual(two);
  });

  it("refuses shapes that do not fit", () => {
    const graph = new Graph();
    const [q, k, v, bounds] = inputs(graph, 4, 4, 3, 1, 8);
    expect(() =>
      attention(graph, q, k, v, bounds, { heads: 3, kvHeads: 2, headDim: 8, scale: 1, name: "attention" }),
    ).toThrow("attention");
    expect(() =>
      attention(graph, q, k, v, bounds, { heads: 8, kvHeads: 8, headDim: 3, scale: 1, name: "attention" }),
    ).toThrow("heads of 3");
    expect(() =>
      attention(graph, q, k, v, bounds, { heads: 3, kvHeads: 1, headDim: 8, scale: 1, softcap: 0, name: "attention" }),
    ).toThrow("softcap of 0");
  });
});
