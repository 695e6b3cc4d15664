/** @file Writing rows to a cache: skipped tokens, rows that stay, parts, and a read by a later operator. */

import { describe, expect, it } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { SKIPPED_CACHE_ROW } from "../../src/engine/marks.ts";
import { add } from "../../src/engine/operators/add.ts";
import { cacheWrite } from "../../src/engine/operators/cacheWrite.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, plus } from "../support/numeric.ts";
import { type Numbers, checkOperator } from "../support/operatorCheck.ts";

const [TOKENS, ROWS, WIDTH] = [137, 400, 20];

describe("cacheWrite", () => {
  it.each([
    { name: "in one part", options: {} },
    { name: "in several parts", options: { maxBinding: 128 * WIDTH * 4, maxGroups: 7 } },
  ])("writes named rows and leaves the others, $name", async ({ options }) => {
    const rows = Uint32Array.from({ length: TOKENS }, (_, t) => (t % 9 === 4 ? SKIPPED_CACHE_ROW : (t * 37) % ROWS));
    rows[11] = ROWS;
    const written = (cache: Numbers, x: Numbers): Float64Array => {
      const after = Float64Array.from(cache);
      rows.forEach((row, t) => {
        if (row < ROWS) after.set(Array.from(x).slice(t * WIDTH, (t + 1) * WIDTH), row * WIDTH);
      });
      return after;
    };
    await checkOperator(await testGpu(options), {
      operands: {
        x: { shape: [TOKENS, WIDTH], values: normal(TOKENS * WIDTH, 1) },
        cache: { shape: [ROWS, WIDTH], values: normal(ROWS * WIDTH, 2) },
        rows: { shape: [TOKENS], values: rows },
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
