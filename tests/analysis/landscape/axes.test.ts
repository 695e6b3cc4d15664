/** @file The maths of a landscape: axes, grid, VISAGE, EPL, against numpy's figures and by their properties. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  asItIs,
  cosineOfAxes,
  innerOfAxes,
  layerScaled,
  modelScaled,
  orthogonalAsWhole,
  orthogonalInLayers,
  project,
  type Axis,
  type TensorSums,
} from "../../../src/analysis/landscape/axes.ts";
import { eplOf } from "../../../src/analysis/landscape/epl.ts";
import {
  GAUSSIAN_UNIT,
  gaussians,
  quantileTable,
  streamKey,
  threefry,
} from "../../../src/analysis/landscape/gaussian.ts";
import { coarseToFine, refinement, steps } from "../../../src/analysis/landscape/grid.ts";
import { visage, visageOf } from "../../../src/analysis/landscape/visage.ts";

interface Golden {
  readonly gaussian: {
    readonly tensor: string;
    readonly seed: number;
    readonly table: readonly number[];
    readonly table_sum: number;
    readonly units: readonly number[];
    readonly sum_of_10001: number;
  };
  readonly visage: readonly {
    readonly name: string;
    readonly curve: readonly (readonly [number, number])[];
    readonly value: number | null;
  }[];
}

const golden = JSON.parse(readFileSync(new URL("../../fixtures/landscape.json", import.meta.url), "utf8")) as Golden;

describe("the normal numbers of a direction", () => {
  it("come from Threefry-2x32-20 as Random123 defines it", () => {
    expect(threefry([0, 0], [0, 0])).toEqual([0x6b200159, 0x99ba4efe]);
    const ones = 0xffffffff;
    expect(threefry([ones, ones], [ones, ones])).toEqual([0x1cb996fc, 0xbb002be7]);
    expect(threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3])).toEqual([0xc4923a9c, 0x483df7a0]);
  });

  it("are numpy's to the last bit", () => {
    const { tensor, seed, table, table_sum, units, sum_of_10001 } = golden.gaussian;
    const own = quantileTable();
    expect([...own].filter((_, i) => i % 100 === 0)).toEqual(table);
    expect(own.reduce((sum, value) => sum + value, 0)).toBe(table_sum);
    const values = gaussians(streamKey(seed, tensor), 10_001);
    expect(Array.from(values.subarray(0, units.length), (value) => value * GAUSSIAN_UNIT)).toEqual(units);
    expect(values.reduce((sum, value) => sum + value * GAUSSIAN_UNIT, 0)).toBe(sum_of_10001);
  });

  it("have mean 0, variance 1 and a normal's kurtosis, and depend on seed, tensor and position alone", () => {
    const values = gaussians(streamKey(0, "m"), 200_000);
    const moment = (power: number): number => values.reduce((sum, x) => sum + x ** power, 0) / values.length;
    expect(moment(1)).toBeCloseTo(0, 2);
    expect(moment(2)).toBeCloseTo(1, 1.9);
    expect(moment(4)).toBeGreaterThan(2.93);
    expect(moment(4)).toBeLessThan(3.07);
    expect(gaussians(streamKey(0, "m"), 11, 5)).toEqual(values.slice(5, 16));
    expect(gaussians(streamKey(1, "m"), 4)).not.toEqual(values.slice(0, 4));
    expect(gaussians(streamKey(0, "n"), 4)).not.toEqual(values.slice(0, 4));
  });
});

/** Sums of directions that are given in full. */
function sumsOf(weights: readonly (readonly number[])[], directions: readonly (readonly (readonly number[])[])[]) {
  const dot = (a: readonly number[] = [], b: readonly number[] = []): number =>
    a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  return weights.map(
    (own, t): TensorSums => ({
      tensor: `t${t}`,
      weights: dot(own, own),
      products: directions.map((left) => directions.map((right) => dot(left[t], right[t]))),
    }),
  );
}

const random = (seed: number, sizes: readonly number[]): number[][] =>
  sizes.map((size, t) => [...gaussians(streamKey(seed, `test ${t}`), size)]);
const SIZES = [7, 12, 5];
const sums = sumsOf(random(9, SIZES), [random(1, SIZES), random(2, SIZES), [[], random(3, SIZES)[1] ?? [], []]]);

describe("an axis", () => {
  it("scaled by layers has the norm of the weights in each tensor, and of a direction that is 0 there, 0", () => {
    for (const tensor of sums) {
      const [factors] = layerScaled([tensor], 0);
      expect(innerOfAxes([tensor], [factors ?? []], [factors ?? []])).toBeCloseTo(tensor.weights, 10);
    }
    expect(layerScaled(sums, 2)[0]).toEqual([0, 0, 0]);
  });

  it("scaled as a whole has the norm of all weights", () => {
    const all = sums.reduce((sum, { weights }) => sum + weights, 0);
    const axis = modelScaled(sums, 1);
    expect(innerOfAxes(sums, axis, axis)).toBeCloseTo(all, 10);
  });

  it("after Gram-Schmidt by layers is orthogonal in each tensor and keeps its norms", () => {
    const [first, raw] = [layerScaled(sums, 0), layerScaled(sums, 1)];
    const second = orthogonalInLayers(sums, raw, first);
    sums.forEach((tensor, t) => {
      const [a, b]: [Axis, Axis] = [[first[t] ?? []], [second[t] ?? []]];
      expect(innerOfAxes([tensor], a, b)).toBeCloseTo(0, 10);
      expect(innerOfAxes([tensor], b, b)).toBeCloseTo(tensor.weights, 10);
    });
    expect(Math.abs(cosineOfAxes(sums, first, raw) ?? 1)).toBeGreaterThan(1e-3);
    expect(Math.abs(cosineOfAxes(sums, first, second) ?? 1)).toBeLessThan(1e-12);
  });

  it("after Gram-Schmidt as a whole is orthogonal, and its projection is where it was", () => {
    const [first, raw] = [asItIs(sums, 0), asItIs(sums, 1)];
    const second = orthogonalAsWhole(sums, raw, first);
    expect(innerOfAxes(sums, first, second)).toBeCloseTo(0, 10);
    const found = project(sums, raw, [first, second]);
    expect(found.coordinates[1]).toBeCloseTo(1, 10);
    expect(found.outside).toBeLessThan(1e-6);
  });

  it("projects a vector outside of the plane to its nearest point", () => {
    const plane = [asItIs(sums, 0), asItIs(sums, 1)];
    const { coordinates, outside } = project(sums, asItIs(sums, 2), plane);
    expect(outside).toBeGreaterThan(0.1);
    const rest = asItIs(sums, 2).map((factors, t) =>
      factors.map(
        (f, i) =>
          f - (coordinates[0] ?? 0) * (plane[0]?.[t]?.[i] ?? 0) - (coordinates[1] ?? 0) * (plane[1]?.[t]?.[i] ?? 0),
      ),
    );
    for (const axis of plane) expect(innerOfAxes(sums, rest, axis)).toBeCloseTo(0, 10);
    expect(project(sums, asItIs(sums, 0), [asItIs(sums, 0)])).toEqual({ coordinates: [1], outside: 0 });
  });
});

describe("the grid", () => {
  it("has the origin and the models exactly", () => {
    expect(steps(-0.5, 0.5, 21)).toContain(0);
    expect(steps(-0.5, 0.5, 21)[0]).toBe(-0.5);
    expect(steps(-0.5, 1.5, 21)).toContain(1);
    expect(Object.is(steps(-0.5, 0.5, 3)[1], 0)).toBe(true);
  });

  it("is measured coarse to fine, each point once", () => {
    const line = coarseToFine(21).map(([a]) => a);
    expect(line.slice(0, 3)).toEqual([0, 10, 20]);
    expect(line.slice(3, 5)).toEqual([5, 15]);
    expect([...line].sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, i) => i));
    const plane = coarseToFine(9, 9);
    expect(new Set(plane.map(String)).size).toBe(81);
    expect(plane.slice(0, 9).every(([a, b]) => a % 4 === 0 && b % 4 === 0)).toBe(true);
    expect(refinement(2)).toEqual([0, 0]);
  });
});

describe("VISAGE", () => {
  it.each(golden.visage)("of a curve that is $name is numpy's", ({ curve, value }) => {
    const found = visageOf(
      0,
      curve.map(([a, score]) => ({ a, score })),
    );
    if (value === null) expect(found).toMatchObject({ value: null, valid_points: 0, points: 21 });
    else expect(found.value).toBeCloseTo(value, 10);
  });

  it("is the mean of the directions that have a value, with Student's interval", () => {
    const of = (seed: number, value: number | null) => ({ seed, value, valid_points: 1, points: 1 });
    const found = visage([of(0, 80), of(1, null), of(2, 90), of(3, 100)]);
    expect(found.mean).toBe(90);
    expect(found.ci95?.low).toBeCloseTo(90 - (4.303 * 10) / Math.sqrt(3), 9);
    expect(visage([of(0, null)])).toMatchObject({ mean: null, ci95: null });
    expect(visage([of(0, 70)])).toMatchObject({ mean: 70, ci95: null });
  });

  it("leaves out what lies beyond a half", () => {
    expect(
      visageOf(0, [
        { a: -0.5, score: 20 },
        { a: 0.75, score: 0 },
      ]),
    ).toMatchObject({ value: 80, points: 1 });
  });
});

describe("EPL", () => {
  const curve = (scores: readonly number[]) => scores.map((score, i) => ({ a: steps(-0.5, 0.5, 5)[i] ?? 0, score }));

  it("ends at the last safe point before the first unsafe one, in the shorter sense", () => {
    expect(eplOf("d", curve([0, 0, 0, 0, 60]), 10)).toEqual({ direction: "d", length: 0.25, at_least: false });
    expect(eplOf("d", curve([60, 0, 0, 60, 0]), 10)).toEqual({ direction: "d", length: 0, at_least: false });
  });

  it("says where the grid ended first, and where the origin is unsafe", () => {
    expect(eplOf("d", curve([0, 0, 0, 0, 0]), 10)).toEqual({ direction: "d", length: 0.5, at_least: true });
    expect(eplOf("d", curve([0, 0, 60, 0, 0]), 10)).toEqual({ direction: "d", length: null, at_least: false });
  });
});
