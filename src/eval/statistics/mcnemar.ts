/**
 * @file McNemar's test, exact: do two models differ on the same prompts?
 *
 *                      other: hit   other: miss
 *     baseline: hit        –             b            Only prompts on which the two disagree count. If neither is
 *     baseline: miss       c             –            better, each of the b + c falls either way like a fair coin:
 *
 *     p = min(1, 2 · Σ_{i ≤ min(b, c)} C(b + c, i) / 2^(b + c))
 *
 * The binomial sum is used for any number of pairs, never the chi-squared approximation, which is poor for few.
 * McNemar, Psychometrika 12 (1947) 153-157.
 */

export interface McNemar {
  /** Prompts that only the baseline hit. */
  readonly baselineOnly: number;
  /** Prompts that only the other hit. */
  readonly otherOnly: number;
  readonly pairs: number;
  /** Two-sided. 1 where they never disagree. */
  readonly p: number;
}

/** @param pairs for each prompt, whether it is a hit under the baseline and under the other */
export function mcnemar(pairs: readonly (readonly [baseline: boolean, other: boolean])[]): McNemar {
  const baselineOnly = pairs.filter(([baseline, other]) => baseline && !other).length;
  const otherOnly = pairs.filter(([baseline, other]) => !baseline && other).length;
  return { baselineOnly, otherOnly, pairs: pairs.length, p: signTest(baselineOnly, otherOnly) };
}

/** Two-sided probability that a fair coin falls at least as unevenly as `b` to `c`. */
export function signTest(b: number, c: number): number {
  const n = b + c;
  const k = Math.min(b, c);
  if (n === 0) return 1;
  // In logarithms: 2^-n alone would underflow beyond a thousand pairs. Terms fall from i = k downwards.
  let logTerm = -n * Math.LN2;
  for (let i = 1; i <= k; i += 1) logTerm += Math.log((n - k + i) / i);
  let sum = 0;
  let term = 1;
  for (let i = k; i >= 0 && term > sum * 1e-17; i -= 1) {
    sum += term;
    term *= i / (n - i + 1);
  }
  return Math.min(1, 2 * sum * Math.exp(logTerm));
}
