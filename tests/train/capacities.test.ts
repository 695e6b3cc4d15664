/** @file The shapes that micro-batches are filled up to: every one fits, and no other choice costs less. */

import { describe, expect, it } from "vitest";
import { Rng } from "../../src/base/rng.ts";
import type { BatchCapacity } from "../../src/batch/batch.ts";
import { bucketCapacities, capacityFor } from "../../src/train/capacities.ts";

/**
 * What all micro-batches cost when each is filled up to the next of these numbers of tokens, and to the most labels of
 * those there.
 */
function cost(sizes: readonly BatchCapacity[], shapes: readonly number[]): number {
  const shapeOf = (tokens: number): number => Math.min(...shapes.filter((shape) => shape >= tokens));
  const up = (labels: number): number => Math.ceil(labels / 8) * 8;
  return sizes.reduce((sum, { tokens }) => {
    const shape = shapeOf(tokens);
    return (
      sum +
      shape +
      0.25 * Math.max(...sizes.filter((other) => shapeOf(other.tokens) === shape).map(({ labels }) => up(labels)))
    );
  }, 0);
}

/** All ways to keep `count` of the list. */
function choices(list: readonly number[], count: number): number[][] {
  const [first, ...rest] = list;
  if (count === 0) return [[]];
  if (first === undefined) return [];
  return [...choices(rest, count - 1).map((others) => [first, ...others]), ...choices(rest, count)];
}

describe("batch shapes", () => {
  it("are few, and every batch fits one", () => {
    const sizes = Array.from({ length: 100 }, (_, index) => ({
      tokens: 100 + ((index * 37) % 150),
      labels: 10 + (index % 13),
    }));
    const capacities = bucketCapacities(sizes);
    expect(capacities.length).toBeLessThanOrEqual(8);
    for (const size of sizes) {
      const capacity = capacityFor(capacities, size);
      expect(capacity.tokens).toBeGreaterThanOrEqual(size.tokens);
      expect(capacity.tokens - size.tokens).toBeLessThan(40);
      expect(capacity.labels).toBeGreaterThanOrEqual(size.labels);
    }
  });

  it("cost as little as any choice of as many shapes", () => {
    const rng = new Rng("capacities");
    for (let trial = 0; trial < 40; trial += 1) {
      const sizes = Array.from({ length: 1 + rng.below(30) }, () => ({
        tokens: 1 + rng.below(100),
        labels: 1 + rng.below(50),
      }));
      const shapes = 1 + rng.below(4);
      const tokens = bucketCapacities(sizes, shapes).map((capacity) => capacity.tokens);
      expect(tokens.length).toBeLessThanOrEqual(shapes);
      const multiples = [...new Set(sizes.map((size) => Math.ceil(size.tokens / 8) * 8))];
      const most = Math.max(...multiples);
      const all = choices(
        multiples.filter((size) => size < most),
        Math.min(shapes, multiples.length) - 1,
      ).map((others) => cost(sizes, [...others, most]));
      expect(cost(sizes, tokens)).toBeCloseTo(Math.min(...all), 9);
    }
  });

  it("one size is one shape, the largest comes first, long ones are told apart coarsely", () => {
    expect(
      bucketCapacities([
        { tokens: 13, labels: 3 },
        { tokens: 16, labels: 9 },
      ]),
    ).toEqual([{ tokens: 16, labels: 16 }]);
    expect(bucketCapacities([])).toEqual([]);
    const long = Array.from({ length: 3000 }, (_, index) => ({ tokens: 1 + 13 * index, labels: 1 }));
    const capacities = bucketCapacities(long);
    expect(capacities).toHaveLength(8);
    expect(capacities[0]?.tokens).toBeGreaterThanOrEqual(1 + 13 * 2999);
    for (const size of long) expect(capacityFor(capacities, size).tokens).toBeGreaterThanOrEqual(size.tokens);
  });
});
