/** @file Writing rows to a cache: skipped tokens, rows that stay, tokens in parts, and a read by a later operator. */

import { describe, expect, it } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { SKIPPED_CACHE_ROW } from "../../src/engine/marks.ts";
import { add } from "../../src/engine/operators/add.ts";
import { cacheWrite } from "../../src/engine/operators/cacheWrite.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, plus } from "../support/numeric.ts";
import { type Numbers, checkOperator } from "../support/operatorCheck.ts";

const WIDTH = 20;

describe("cacheWrite", () => {
  it.each([
    { name: "in one part", tokens: 137, cacheRows: 400, written: (t: number) => t % 9 !== 4, options: {} },
    {
      name: "tokens in several parts",
      tokens: 397,
      cacheRows: 143,
      written: (t: number) => t % 3 === 0,
      options: { maxBinding: 143 * WIDTH * 4, maxGroups: 7 },
    },
  ])("writes named rows and leaves the others, $name", async ({ tokens, cacheRows, written: isWritten, options }) => {
    const rows = Uint32Array.from({ length: tokens }, (_, t) =>
      isWritten(t) ? (t * 37) % cacheRows : SKIPPED_CACHE_ROW,
    );
    rows[12] = cacheRows;
    const written = (cache: Numbers, x: Numbers): Float64Array => {
      const after = Float64Array.from(cache);
      rows.forEach((row, t) => {
        if (row < cacheRows) after.set(Array.from(x).slice(t * WIDTH, (t + 1) * WIDTH), row * WIDTH);
      });
      return after;
    };
    await checkOperator(await testGpu(options), {
      operands: {
        x: { shape: [tokens, WIDTH], values: normal(tokens * WIDTH, 1) },
        cache: { shape: [cacheRows, WIDTH], values: normal(cacheRows * WIDTH, 2) },
        rows: { shape: [tokens], values: rows },
      },
      graph: (graph, tensors) => {
        const cache = cacheWrite(graph, tensors.x, tensors.cache, tensors.rows);
        return { cache, twice: add(graph, cache, cache) };
      },
      reference: ({ x, cache }) => {
        const after = written(cache, x);
        return { cache: after, twice: plus(after, after) };
      },
      tolerance: { output: 0 },
    });
  });

  it("refuses a cache that is not persistent", () => {
    const graph = new Graph();
    expect(() =>
      cacheWrite(graph, graph.input("x", [4, 8]), graph.value("cache", [9, 8]), graph.input("rows", [4], "u32")),
    ).toThrow("cache");
  });
});
