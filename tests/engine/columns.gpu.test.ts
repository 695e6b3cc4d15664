/** @file Slices of columns: forward, gradients of one, overlapping and several slices, parts. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { columns } from "../../src/engine/operators/columns.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "../support/numeric.ts";
import { columnsReference } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

type Slice = readonly [from: number, count: number];

/** `besides`: x also reaches the loss as it is, so that its gradient is there before those of the slices. */
async function check(
  gpu: Gpu,
  tokens: number,
  width: number,
  slices: readonly Slice[],
  besides = false,
): Promise<void> {
  const x = normal(tokens * width, 1);
  const weights = slices.map(([, count], n) => normal(tokens * count, 2 + n));
  const direct = normal(x.length, 100);
  const graph = new Graph();
  const input = graph.input("x", [tokens, width]);
  const cuts = slices.map(([from, count]) => graph.retain(columns(graph, input, from, count)));
  const seeds = new Map(cuts.map((cut) => [cut, graph.input(`seed of ${cut.name}`, cut.shape)]));
  const data = new Map<Tensor, ArrayBufferView>([
    [input, x],
    ...[...seeds.values()].map((seed, n): [Tensor, ArrayBufferView] => [seed, weights[n] ?? x]),
  ]);
  if (besides) {
    const seed = graph.input("direct", input.shape);
    seeds.set(input, seed);
    data.set(seed, direct);
  }
  const gradients = backward(graph, { seeds, wrt: new Set([input]), add });
  const run = await runGraph(gpu, graph, data);
  for (const [n, cut] of cuts.entries()) {
    const [from, count] = slices[n] ?? [0, 1];
    expect(await run.read(cut)).toEqual(Float32Array.from(columnsReference(x, width, from, count)));
  }
  const loss = (moved: ArrayLike<number>): number =>
    slices.reduce(
      (sum, [from, count], n) => sum + inner(weights[n] ?? [], columnsReference(moved, width, from, count)),
      besides ? inner(direct, moved) : 0,
    );
  const got = await run.read(gradients.get(input) ?? input);
  const where = [...spread(x.length), ...Array.from({ length: width }, (_, i) => i)];
  expect(relativeError(pick(got, where), centralDifferences(loss, x, where))).toBeLessThan(1e-6);
  const exact = Float64Array.from({ length: x.length }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return slices.reduce(
      (sum, [from, count], n) =>
        sum + (column >= from && column < from + count ? (weights[n]?.[row * count + column - from] ?? 0) : 0),
      besides ? (direct[i] ?? 0) : 0,
    );
  });
  expect(relativeError(got, exact)).toBeLessThan(1e-7);
  if (besides) expect(await run.read(seeds.get(input) ?? input)).toEqual(direct);
  run.destroy();
}

describe("columns", () => {
  it("cuts query, key and value", async () =>
    check(await testGpu(), 37, 20, [
      [0, 12],
      [12, 4],
      [16, 4],
    ]));
  it("leaves zeros where no slice is", async () => check(await testGpu(), 37, 21, [[5, 7]]));
  it("adds slices that overlap, to a gradient that is there", async () =>
    check(
      await testGpu(),
      37,
      13,
      [
        [0, 13],
        [3, 6],
        [8, 1],
      ],
      true,
    ));
  it("works in parts and many workgroups", async () =>
    check(await testGpu({ maxBinding: 128 * 43 * 4, maxGroups: 20 }), 300, 43, [
      [0, 11],
      [11, 32],
    ]));

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
