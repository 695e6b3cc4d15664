/** @file Embedding: every storage type, tables in parts, repeated and wrong ids, the scatter-add of its gradient. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { embedding } from "../../src/engine/operators/embedding.ts";
import type { DType, Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread, store } from "../support/numeric.ts";
import { embeddingReference } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

const TOKENS = 37;
const VOCABULARY = 1000;

function someIds(): Uint32Array {
  return Uint32Array.from({ length: TOKENS }, (_, t) => (t % 5 === 0 ? 999 : (t * t * 31) % VOCABULARY));
}

async function forward(gpu: Gpu, dtype: DType, width: number, scale?: number): Promise<number> {
  const ids = someIds();
  ids[7] = VOCABULARY;
  ids[8] = 0xffffffff;
  const table = store(normal(VOCABULARY * width, 1), dtype);
  const graph = new Graph();
  const input = graph.input("ids", [TOKENS], "u32");
  const weight = graph.weight("table", [VOCABULARY, width], dtype);
  const y = graph.retain(embedding(graph, input, weight, { scale }));
  const run = await runGraph(
    gpu,
    graph,
    new Map([
      [input, ids],
      [weight, table.bytes],
    ]),
  );
  const got = await run.read(y);
  run.destroy();
  return relativeError(got, embeddingReference(ids, table.values, VOCABULARY, width, scale));
}

describe("embedding", () => {
  for (const dtype of ["f32", "bf16", "f16"] as const) {
    for (const width of [8, 20, 63]) {
      it(`reads ${dtype} rows of ${width}; ids beyond the table give zeros`, async () => {
        expect(await forward(await testGpu(), dtype, width)).toBeLessThan(1e-7);
      });
    }
  }

  it("reads a table in several parts", async () => {
    expect(await forward(await testGpu({ maxBinding: 256 * 20 * 4 }), "f32", 20, 3.5)).toBeLessThan(1e-7);
    expect(await forward(await testGpu({ maxBinding: 256 * 20 * 2, maxGroups: 3 }), "bf16", 20)).toBeLessThan(1e-7);
  });

  it("adds the gradient of a trainable table, in order", async () => {
    const gpu = await testGpu();
    const width = 20;
    const scale = 2;
    const ids = someIds();
    const values = normal(VOCABULARY * width, 1);
    const dy = normal(TOKENS * width, 2);
    const graph = new Graph();
    const input = graph.input("ids", [TOKENS], "u32");
    const table = graph.parameter("table", [VOCABULARY, width]);
    const seed = graph.input("seed", [TOKENS, width]);
    const y = embedding(graph, input, table, { scale });
    // The second use adds to the same gradient.
    const again = embedding(graph, input, table, { scale });
    backward(graph, {
      seeds: new Map([
        [y, seed],
        [again, seed],
      ]),
      wrt: new Set([table]),
      add,
    });
    const run = await runGraph(
      gpu,
      graph,
      new Map<Tensor, ArrayBufferView>([
        [input, ids],
        [seed, dy],
        [table, values],
      ]),
    );
    const got = (await run.gradients()).get("table") ?? new Float32Array();
    const where = [...spread(values.length), 999 * width, 999 * width + 7];
    const loss = (moved: Float64Array): number =>
      2 * inner(dy, embeddingReference(ids, moved, VOCABULARY, width, scale));
    expect(relativeError(pick(got, where), centralDifferences(loss, values, where))).toBeLessThan(1e-6);
    const expected = new Float64Array(values.length);
    dy.forEach((value, n) => {
      const i = (ids[Math.floor(n / width)] ?? 0) * width + (n % width);
      expected[i] = (expected[i] ?? 0) + 2 * scale * value;
    });
    expect(relativeError(got, expected)).toBeLessThan(1e-6);
    await run.step();
    expect((await run.gradients()).get("table")).toEqual(got);
    run.destroy();
  });
});
