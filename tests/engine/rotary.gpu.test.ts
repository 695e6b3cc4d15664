/** @file Rotary embedding: the kernel both ways, and the table against transformers' own numbers. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Graph } from "../../src/engine/graph.ts";
import { type RotaryTableOptions, rotary, rotaryTable } from "../../src/engine/operators/rotary.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, plus } from "../support/numeric.ts";
import { checkOperator } from "../support/operatorCheck.ts";
import { rotaryReference } from "../support/reference.ts";

const CASES = [
  { heads: 3, headDim: 8, tokens: 37 },
  { heads: 1, headDim: 20, tokens: 37 },
  { heads: 2, headDim: 64, tokens: 300 },
  { heads: 2, headDim: 6, tokens: 37 },
] as const;
const POSITIONS = 50;

describe("rotary", () => {
  it.each(CASES)("rotates $heads heads of $headDim and their gradient", async ({ heads, headDim, tokens }) => {
    const table = rotaryTable({ headDim, theta: 10000, positions: POSITIONS });
    const positions = Uint32Array.from({ length: tokens }, (_, t) => (t * 7) % POSITIONS);
    const x = normal(tokens * heads * headDim, 1);
    const maxBinding = Math.max(128 * heads * headDim, POSITIONS * headDim) * 4;
    for (const gpu of [await testGpu(), await testGpu({ maxBinding, maxGroups: 9 })]) {
      const { outputs } = await checkOperator(gpu, {
        operands: {
          x: { shape: [tokens, heads * headDim], values: x, grad: true },
          table: { shape: [POSITIONS, headDim], values: table },
          positions: { shape: [tokens], values: positions },
        },
        // x is an output, too: the rotation must not overwrite it.
        graph: (graph, tensors) => ({
          y: rotary(graph, tensors.x, tensors.table, tensors.positions, headDim),
          x: tensors.x,
        }),
        reference: (values) => ({ y: rotaryReference(values.x, table, positions, heads, headDim), x: values.x }),
        gradient: (_, { y = [], x: direct = [] }) => ({
          x: plus(rotaryReference(y, table, positions, heads, headDim, -1), direct),
        }),
      });
      expect(outputs.x).toEqual(x);
    }
  });

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
