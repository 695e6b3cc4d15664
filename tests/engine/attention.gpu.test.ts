/** @file Attention against an f64 reference, over packed ragged segments, padding and a cache; both kernel variants. */

import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph, backward } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, pretend, relativeError, spread } from "../support/numeric.ts";
import { attentionGradient, attentionReference, packedBounds } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

const CASES = [
  { heads: 3, kvHeads: 1, headDim: 8 },
  { heads: 6, kvHeads: 2, headDim: 20 },
  { heads: 3, kvHeads: 1, headDim: 64 },
  { heads: 2, kvHeads: 2, headDim: 6 },
  { heads: 4, kvHeads: 2, headDim: 32 },
  { heads: 2, kvHeads: 1, headDim: 256 },
] as const;
/** Kernels with barriers take a processor many seconds to compile: one head size within a chunk of channels, one above. */
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
      it(`${heads.heads}/${heads.kvHeads} heads of ${heads.headDim}: packed, forward and every gradient`, { timeout: 600_000 }, async () => {
        await check(gpu, packedBounds([5, 17, 1, 10], 4), heads);
      });
    }

    it("one segment longer than a tile", async () => {
      await check(gpu, packedBounds([101]), { heads: 2, kvHeads: 1, headDim: 8 });
    });

    it("sliding windows: keys and queries of a token are clipped, whether or not the window crosses tiles", async () => {
      // (In a window of 1 the gradients of q and k are zero and leave nothing to compare with.)
      for (const window of [2, 7, 40]) await check(gpu, windowed(packedBounds([83, 14], 2), window), { heads: 3, kvHeads: 1, headDim: 8 });
    });

    it("gives only the gradients that are wanted", async () => {
      for (const wanted of [["q"], ["v"], ["k"], ["q", "v"], ["k", "v"]] as const) {
        await check(gpu, packedBounds([20, 16], 1), { heads: 3, kvHeads: 1, headDim: 8 }, wanted);
      }
    });

    it("does not overflow with large scores", async () => {
      await check(gpu, packedBounds([37]), { heads: 2, kvHeads: 2, headDim: 8 }, ["q", "k", "v"], 12);
    });

    for (const heads of software ? CAPPED_CASES : CAPPED_TILED_CASES) {
      // Scores are about 1: a cap of 1.5 bends them, one of 1e4 leaves them.
      for (const softcap of [1.5, 1e4]) {
        it(`${heads.heads}/${heads.kvHeads} heads of ${heads.headDim}: scores capped at ${softcap}`, { timeout: 600_000 }, async () => {
          await check(gpu, packedBounds([5, 17, 1, 10], 4), { ...heads, softcap });
        });
      }
      it(`${heads.headDim} channels: large scores saturate at the cap, the gradient of values alone`, { timeout: 600_000 }, async () => {
        await check(gpu, packedBounds([37]), { ...heads, softcap: 50 }, ["q", "k", "v"], 12);
        await check(gpu, packedBounds([37]), { ...heads, softcap: 1.5 }, ["v"], 12);
      });
    }

    // Few queries are decoded one by one, many (a prompt) in tiles.
    for (const { queries, softcap } of [{ queries: 1 }, { queries: 3 }, { queries: 37 }, { queries: 300 }, { queries: 3, softcap: 1.5 }]) {
      it(`reads rows of a cache with S above T = ${queries}${softcap ? ", capped scores" : ""}`, async () => {
        const rows = 400;
        const [heads, kvHeads, headDim] = [6, 2, 8];
        const bounds = new Uint32Array(4 * queries);
        for (let t = 0; t < queries; t++) bounds.set([(t * 13) % 150, 151 + ((t * 29) % 250), 0, 0], 4 * t);
        const [q, k, v] = [normal(queries * heads * headDim, 1), normal(rows * kvHeads * headDim, 2), normal(rows * kvHeads * headDim, 3)];
        const graph = new Graph();
        const [tq, tk, tv, tb] = inputs(graph, queries, rows, heads, kvHeads, headDim);
        const scale = 1 / Math.sqrt(headDim);
        const o = graph.keep(attention(graph, tq, tk, tv, tb, { heads, kvHeads, headDim, scale, softcap, name: "attention" }));
        const run = await runGraph(gpu, graph, new Map<Tensor, ArrayBufferView>([[tq, q], [tk, k], [tv, v], [tb, bounds]]));
        expect(relativeError(await run.read(o), attentionReference(q, k, v, { heads, kvHeads, headDim, scale, softcap, bounds }))).toBeLessThan(2e-6);
        run.destroy();
      });
    }
  });
}

describe("attention", () => {
  it("folds many workgroups into two dimensions", async () => {
    await check(await testGpu({ maxGroups: 6 }), packedBounds([50, 51]), { heads: 6, kvHeads: 2, headDim: 8 });
  });

  it("is the same in every run", async () => {
    const gpu = await testGpu();
    const one = await check(gpu, packedBounds([37]), { heads: 3, kvHeads: 1, headDim: 20 });
    const two = await check(gpu, packedBounds([37]), { heads: 3, kvHeads: 1, headDim: 20 });
    expect(one).toEqual(two);
  });

  it("refuses shapes that do not fit", () => {
    const graph = new Graph();
    const [q, k, v, bounds] = inputs(graph, 4, 4, 3, 1, 8);
    expect(() => attention(graph, q, k, v, bounds, { heads: 3, kvHeads: 2, headDim: 8, scale: 1, name: "attention" })).toThrow("attention");
    expect(() => attention(graph, q, k, v, bounds, { heads: 8, kvHeads: 8, headDim: 3, scale: 1, name: "attention" })).toThrow("heads of 3");
    expect(() => attention(graph, q, k, v, bounds, { heads: 3, kvHeads: 1, headDim: 8, scale: 1, softcap: 0, name: "attention" })).toThrow("softcap of 0");
  });
});

/** Of `window` tokens a query sees the last ones, itself included. */
function windowed(bounds: Uint32Array, window: number): Uint32Array {
  return bounds.map((value, i) => {
    const token = Math.floor(i / 4);
    if (i % 4 === 0) return Math.max(value, token - window + 1);
    return i % 4 === 3 ? Math.min(value, token + window) : value;
  });
}

function inputs(graph: Graph, queries: number, rows: number, heads: number, kvHeads: number, headDim: number): [Tensor, Tensor, Tensor, Tensor] {
  return [
    graph.input("q", [queries, heads * headDim]),
    graph.input("k", [rows, kvHeads * headDim]),
    graph.input("v", [rows, kvHeads * headDim]),
    graph.input("bounds", [queries, 4], "u32"),
  ];
}

/** Forward, the wanted gradients against the f64 gradient, and that gradient against central differences. Returns the raw results. */
async function check(
  gpu: Gpu,
  bounds: Uint32Array,
  settings: { heads: number; kvHeads: number; headDim: number; softcap?: number },
  wanted: readonly ("q" | "k" | "v")[] = ["q", "k", "v"],
  size = 1,
): Promise<Float32Array[]> {
  const { heads, kvHeads, headDim } = settings;
  const tokens = bounds.length / 4;
  const shape = { ...settings, scale: 1 / Math.sqrt(headDim), bounds };
  const data = {
    q: normal(tokens * heads * headDim, 1, size),
    k: normal(tokens * kvHeads * headDim, 2, size),
    v: normal(tokens * kvHeads * headDim, 3),
  };
  const dOut = normal(data.q.length, 4);
  const graph = new Graph();
  const [q, k, v, b] = inputs(graph, tokens, tokens, heads, kvHeads, headDim);
  const tensors = { q, k, v };
  const o = graph.keep(attention(graph, q, k, v, b, { ...settings, scale: shape.scale, name: "attention" }));
  const seed = graph.input("seed", o.shape);
  const gradients = backward(graph, { seeds: new Map([[o, seed]]), wanted: new Set(wanted.map((name) => tensors[name])), add });
  expect([...gradients.keys()].map(({ name }) => name).sort()).toEqual([...wanted].sort());
  const run = await runGraph(gpu, graph, new Map<Tensor, ArrayBufferView>([[q, data.q], [k, data.k], [v, data.v], [b, bounds], [seed, dOut]]));
  const results = [await run.read(o)];
  const tolerance = size > 1 ? 1e-4 : 3e-6;
  expect(relativeError(await run.read(o), attentionReference(data.q, data.k, data.v, shape))).toBeLessThan(tolerance);
  const expected = attentionGradient(data.q, data.k, data.v, dOut, shape);
  const exact = { q: expected.dq, k: expected.dk, v: expected.dv };
  for (const name of wanted) {
    const tensor = gradients.get(tensors[name]);
    if (!tensor) throw new Error(`no gradient of ${name}`);
    const got = await run.read(tensor);
    results.push(got);
    expect(relativeError(got, exact[name]), `gradient of ${name}`).toBeLessThan(tolerance);
    const where = spread(data[name].length, 12);
    const differences = centralDifferences(
      (moved) => inner(dOut, attentionReference(name === "q" ? moved : data.q, name === "k" ? moved : data.k, name === "v" ? moved : data.v, shape)),
      data[name],
      where,
    );
    if (size === 1) {
      expect(relativeError(pick(exact[name], where), differences), `reference gradient of ${name}`).toBeLessThan(1e-5);
      expect(relativeError(pick(got, where), differences), `differences of ${name}`).toBeLessThan(2e-5);
    }
  }
  run.destroy();
  return results;
}
