/** @file Repeated measurements as a median with its spread. */

import { max, median, min, quantile } from "simple-statistics";

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

/** @throws Error when there are no samples */
export function spreadOf(samples: readonly number[]): Spread {
  const values = [...samples];
  return {
    median: median(values),
    least: min(values),
    most: max(values),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    samples: values.length,
  };
}
