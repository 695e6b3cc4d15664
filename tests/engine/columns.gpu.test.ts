/** @file Slices of columns: forward, gradients of one, overlapping and several slices, parts. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph } from "../../src/engine/graph.ts";
import { columns } from "../../src/engine/operators/columns.ts";
import { testGpu } from "../support/gpu.ts";
import { normal } from "../support/numeric.ts";
import { checkOperator } from "../support/operatorCheck.ts";
import { columnsReference } from "../support/reference.ts";

interface Case {
  readonly tokens: number;
  readonly width: number;
  readonly slices: readonly (readonly [from: number, count: number])[];
  /** x is an output, too, so that its gradient is there before those of the slices. */
  readonly besides?: boolean;
}

const nameOf = (index: number): string => `slice ${index}`;

async function check(gpu: Gpu, { tokens, width, slices, besides = false }: Case): Promise<void> {
  const x = normal(tokens * width, 1);
  const cut = <T>(of: (from: number, count: number) => T): Record<string, T> =>
    Object.fromEntries(slices.map(([from, count], index) => [nameOf(index), of(from, count)]));
  const { outputs } = await checkOperator(gpu, {
    operands: { x: { shape: [tokens, width], values: x, grad: true } },
    graph: (graph, tensors) => ({
      ...cut((from, count) => columns(graph, tensors.x, from, count)),
      ...(besides ? { x: tensors.x } : {}),
    }),
    reference: (values) => ({
      ...cut((from, count) => columnsReference(values.x, width, from, count)),
      ...(besides ? { x: values.x } : {}),
    }),
    gradient: (_, seeds) => ({
      x: Float64Array.from({ length: x.length }, (_, i) => {
        const [row, column] = [Math.floor(i / width), i % width];
        return slices.reduce((sum, [from, count], index) => {
          const inside = column >= from && column < from + count;
          return sum + (inside ? (seeds[nameOf(index)]?.[row * count + column - from] ?? 0) : 0);
        }, seeds.x?.[i] ?? 0);
      }),
    }),
    tolerance: { output: 0, gradient: 1e-7, differences: 1e-6 },
    points: Array.from({ length: width }, (_, i) => i),
  });
  if (besides) expect(outputs.x).toEqual(x);
}

describe("columns", () => {
  it("cuts query, key and value", async () => {
    const slices = [
      [0, 12],
      [12, 4],
      [16, 4],
    ] as const;
    await check(await testGpu(), { tokens: 37, width: 20, slices });
  });

  it("leaves zeros where no slice is", async () => {
    await check(await testGpu(), { tokens: 37, width: 21, slices: [[5, 7]] });
  });

  it("adds slices that overlap, to a gradient that is there", async () => {
    const slices = [
      [0, 13],
      [3, 6],
      [8, 1],
    ] as const;
    await check(await testGpu(), { tokens: 37, width: 13, slices, besides: true });
  });

  it("works in parts and many workgroups", async () => {
    const slices = [
      [0, 11],
      [11, 32],
    ] as const;
    await check(await testGpu({ maxBinding: 128 * 43 * 4, maxGroups: 20 }), { tokens: 300, width: 43, slices });
  });

  it("refuses a slice that is not inside", () => {
    const graph = new Graph();
    const x = graph.input("x", [3, 8]);
    for (const [from, count] of [
      [-1, 2],
      [7, 2],
      [0, 0],
      [0.5, 1],
    ] as const)
      expect(() => columns(graph, x, from, count)).toThrow("not inside x [3, 8]");
  });
});
