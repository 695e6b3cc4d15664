/** @file Writing rows to a cache: skipped tokens, rows that stay, parts, and a read by a later operator. */

import { describe, expect, it } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { SKIPPED_CACHE_ROW } from "../../src/engine/marks.ts";
import { cacheWrite } from "../../src/engine/operators/cacheWrite.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { normal } from "../support/numeric.ts";
import { runGraph } from "../support/runGraph.ts";

describe("cacheWrite", () => {
  for (const [name, options] of [
    ["in one part", {}],
    ["in several parts", { maxBinding: 128 * 20 * 4, maxGroups: 7 }],
  ] as const) {
    it(`writes named rows and leaves the others, ${name}`, async () => {
      const [tokens, rows, width] = [137, 400, 20];
      const slots = Uint32Array.from({ length: tokens }, (_, t) => (t % 9 === 4 ? SKIPPED_CACHE_ROW : (t * 37) % rows));
      slots[11] = rows;
      const [x, before] = [normal(tokens * width, 1), normal(rows * width, 2)];
      const graph = new Graph();
      const tx = graph.input("x", [tokens, width]);
      const cache = graph.input("cache", [rows, width]);
      const ts = graph.input("slots", [tokens], "u32");
      const written = cacheWrite(graph, tx, cache, ts);
      const twice = graph.retain(add(graph, written, written));
      const run = await runGraph(
        await testGpu(options),
        graph,
        new Map<Tensor, ArrayBufferView>([
          [tx, x],
          [cache, before],
          [ts, slots],
        ]),
      );
      const expected = before.slice();
      slots.forEach((slot, t) => {
        if (slot < rows) expected.set(x.subarray(t * width, (t + 1) * width), slot * width);
      });
      expect(await run.read(cache)).toEqual(expected);
      expect(await run.read(twice)).toEqual(expected.map((value) => 2 * value));
      run.destroy();
    });
  }

  it("refuses a cache that is not persistent", () => {
    const graph = new Graph();
    expect(() =>
      cacheWrite(graph, graph.input("x", [4, 8]), graph.value("cache", [9, 8]), graph.input("slots", [4], "u32")),
    ).toThrow("cache");
  });
});
