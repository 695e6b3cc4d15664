/** @file Rotary embedding: the kernel both ways, and the table against transformers' own numbers. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { type RotaryTableOptions, rotary, rotaryTable } from "../../src/engine/operators/rotary.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "../support/numeric.ts";
import { rotaryReference } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

describe("rotary", () => {
  for (const [heads, headDim, tokens] of [
    [3, 8, 37],
    [1, 20, 37],
    [2, 64, 300],
    [2, 6, 37],
  ] as const) {
    it(`turns ${heads} heads of ${headDim} and their gradient`, async () => {
      const positionCount = 50;
      const table = rotaryTable({ headDim, theta: 10000, positions: positionCount });
      const positions = Uint32Array.from({ length: tokens }, (_, t) => (t * 7) % positionCount);
      const x = normal(tokens * heads * headDim, 1);
      const dy = normal(x.length, 2);
      for (const gpu of [
        await testGpu(),
        await testGpu({ maxBinding: Math.max(128 * heads * headDim, positionCount * headDim) * 4, maxGroups: 9 }),
      ]) {
        const graph = new Graph();
        const tx = graph.input("x", [tokens, heads * headDim]);
        const tt = graph.input("table", [positionCount, headDim]);
        const tp = graph.input("positions", [tokens], "u32");
        const seed = graph.input("seed", tx.shape);
        const y = graph.retain(rotary(graph, tx, tt, tp, headDim));
        const gradients = backward(graph, { seeds: new Map([[y, seed]]), wrt: new Set([tx]), add });
        const run = await runGraph(
          gpu,
          graph,
          new Map<Tensor, ArrayBufferView>([
            [tx, x],
            [tt, table],
            [tp, positions],
            [seed, dy],
          ]),
        );
        expect(relativeError(await run.read(y), rotaryReference(x, table, positions, heads, headDim))).toBeLessThan(
          1e-6,
        );
        const got = await run.read(gradients.get(tx) ?? tx);
        expect(relativeError(got, rotaryReference(dy, table, positions, heads, headDim, -1))).toBeLessThan(1e-6);
        const where = spread(x.length);
        const differences = centralDifferences(
          (moved) => inner(dy, rotaryReference(moved, table, positions, heads, headDim)),
          x,
          where,
        );
        expect(relativeError(pick(got, where), differences)).toBeLessThan(1e-5);
        expect(await run.read(tx)).toEqual(x);
        run.destroy();
      }
    });
  }

  it("refuses a head that does not divide the row", () => {
    const graph = new Graph();
    expect(() =>
      rotary(graph, graph.input("x", [4, 20]), graph.input("table", [4, 8]), graph.input("p", [4], "u32"), 8),
    ).toThrow("heads of 8");
  });
});

interface GoldenTable {
  readonly name: string;
  readonly options: Omit<RotaryTableOptions, "positions">;
  readonly rows: readonly {
    readonly position: number;
    readonly cos: readonly number[];
    readonly sin: readonly number[];
  }[];
}

describe("rotaryTable", () => {
  const golden = JSON.parse(readFileSync(new URL("../fixtures/rotary.json", import.meta.url), "utf8")) as {
    tables: GoldenTable[];
  };
  for (const { name, options, rows } of golden.tables) {
    it(`gives transformers' cosines and sines: ${name}`, () => {
      const half = options.headDim / 2;
      const table = rotaryTable({ ...options, positions: Math.max(...rows.map(({ position }) => position)) + 1 });
      let worst = 0;
      for (const { position, cos, sin } of rows) {
        for (let i = 0; i < half; i++) {
          worst = Math.max(worst, Math.abs((table[position * options.headDim + i] ?? 0) - (cos[i] ?? 0)));
          worst = Math.max(worst, Math.abs((table[position * options.headDim + half + i] ?? 0) - (sin[i] ?? 0)));
        }
      }
      // Vectorised sines of PyTorch differ by some units in the last place; a wrong angle near 8000 would show as 2e-4.
      expect(worst).toBeLessThan(5e-7);
    });
  }
});
