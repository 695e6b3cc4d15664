/** @file Mean and spread of a few values, such as one figure of several seeds. */

export interface Summary {
  readonly n: number;
  /** NaN for no values. */
  readonly mean: number;
  /** Standard deviation of the sample (n − 1). null for fewer than two values: one value says nothing about spread. */
  readonly sd: number | null;
}

/** Two passes, so that a large mean costs no digits. */
export function summarise(values: readonly number[]): Summary {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { n, mean, sd: null };
  return { n, mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)) };
}
