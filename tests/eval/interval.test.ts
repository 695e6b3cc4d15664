/** @file Wilson's interval against its formula evaluated in Python. */
import { expect, it } from "vitest";
import { wilson } from "../../src/eval/interval.ts";

it.each([
  [0, 10, 0, 0.277533],
  [10, 10, 0.722467, 1],
  [3, 10, 0.107789, 0.603222],
  [84, 100, 0.755797, 0.899047],
])("%i of %i", (hits, n, low, high) => {
  const interval = wilson(hits, n);
  expect(interval.low).toBeCloseTo(low, 5);
  expect(interval.high).toBeCloseTo(high, 5);
});

it("knows nothing without trials", () => {
  expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
});
