/**
 * @file Summaries, the sign test and the bootstrap against exact rational arithmetic
 * (python/fixtures/table_statistics.py).
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { rateBounds } from "../../src/eval/scores.ts";
import { quantile } from "../../src/base/quantile.ts";
import { bootstrapMean } from "../../src/eval/statistics/bootstrap.ts";
import { mcnemar, signTest } from "../../src/eval/statistics/mcnemar.ts";
import { summarise } from "../../src/eval/statistics/summary.ts";

const expected = JSON.parse(readFileSync(new URL("../fixtures/statistics.json", import.meta.url), "utf8")) as {
  summary: { values: number[]; mean: number; sd: number | null }[];
  sign_test: { b: number; c: number; p: number }[];
  wilson: { hits: number; count: number; low: number; high: number }[];
  bootstrap: { values: number[]; low: number; high: number }[];
};

describe("summary", () => {
  it.each(expected.summary)("of $values", ({ values, mean, sd }) => {
    const summary = summarise(values);
    expect(summary.n).toBe(values.length);
    expect(Math.abs(summary.mean / mean - 1)).toBeLessThan(1e-14);
    if (sd === null) expect(summary.sd).toBeNull();
    else expect(Math.abs((summary.sd ?? Number.NaN) / sd - 1)).toBeLessThan(1e-6);
  });
});

describe("McNemar's test", () => {
  it.each(expected.sign_test)("$b against $c discordant pairs", ({ b, c, p }) => {
    expect(Math.abs(signTest(b, c) / p - 1)).toBeLessThan(1e-10);
    expect(signTest(c, b)).toBe(signTest(b, c));
  });

  it("counts only prompts on which the two disagree", () => {
    const pairs: [boolean, boolean][] = [
      [true, true],
      [true, false],
      [true, false],
      [false, false],
      [false, true],
      [true, false],
    ];
    expect(mcnemar(pairs)).toEqual({ baselineOnly: 3, otherOnly: 1, pairs: 6, p: 0.625 });
    expect(mcnemar([]).p).toBe(1);
  });
});

describe("Wilson's interval", () => {
  it.each(expected.wilson)("of $hits among $count", ({ hits, count, low, high }) => {
    const bounds = rateBounds({ hits, count });
    expect(bounds.low).toBeCloseTo(low, 5);
    expect(bounds.high).toBeCloseTo(high, 5);
  });
});

describe("bootstrap", () => {
  it.each(expected.bootstrap)("of $values ends where all resamples say", ({ values, low, high }) => {
    const bounds = bootstrapMean(values, { resamples: 20_000, seed: 0 });
    // Means of few values lie on a grid: the drawn quantile is the exact one, or at most a step of the grid beside it.
    const step = (Math.max(...values) - Math.min(...values)) / 12;
    expect(Math.abs((bounds?.low ?? Number.NaN) - low)).toBeLessThanOrEqual(step);
    expect(Math.abs((bounds?.high ?? Number.NaN) - high)).toBeLessThanOrEqual(step);
  });

  it("is the same for a seed, and nothing for one value", () => {
    const values = [1, 2, 4, 8, 16];
    const options = { resamples: 500, seed: 3 };
    expect(bootstrapMean(values, options)).toEqual(bootstrapMean(values, options));
    expect(bootstrapMean(values, options)).not.toEqual(bootstrapMean(values, { resamples: 500, seed: 4 }));
    expect(bootstrapMean([5], options)).toBeNull();
  });

  it("interpolates quantiles as numpy does", () => {
    // numpy.quantile([1, 2, 4, 8], [0.025, 0.5, 0.9])
    expect(quantile([1, 2, 4, 8], 0.025)).toBeCloseTo(1.075, 12);
    expect(quantile([1, 2, 4, 8], 0.5)).toBe(3);
    expect(quantile([1, 2, 4, 8], 0.9)).toBeCloseTo(6.8, 12);
  });
});
