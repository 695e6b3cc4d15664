/**
 * @file Percentile bootstrap of a mean: how much would it change with other seeds?
 *
 *     draw n of the n values with replacement, take the mean; B times; the interval leaves 2.5 % of the means at each
 *     end
 *
 * Quantiles are numpy.quantile's (base/quantile.ts). Seeded, so that the same values give the same interval on every
 * machine. With few values it is too narrow: three seeds have only ten different means. Efron and Tibshirani, An
 * Introduction to the Bootstrap (1993), chapter 13.
 */
import { quantile } from "../../base/quantile.ts";
import { Rng } from "../../base/rng.ts";
import type { Bounds } from "../scores.ts";

/** Below so many values an interval is a rough hint at best. */
export const FEW_SEEDS = 5;

export interface BootstrapOptions {
  readonly resamples: number;
  readonly seed: number;
}

/** 95 % interval of the mean of `values`; null for fewer than two. */
export function bootstrapMean(values: readonly number[], { resamples, seed }: BootstrapOptions): Bounds | null {
  const n = values.length;
  if (n < 2) return null;
  const rng = new Rng(`bootstrap/mean/${seed}`);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let drawn = 0; drawn < n; drawn += 1) sum += values[rng.below(n)] ?? 0;
    return sum / n;
  });
  means.sort();
  return { low: quantile(means, 0.025), high: quantile(means, 0.975) };
}
