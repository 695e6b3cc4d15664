/**
 * @file How sure a share is: Wilson's score interval for a binomial proportion.
 *
 *     centre = (p + z²/2n) / (1 + z²/n),   half = z / (1 + z²/n) · √( p(1−p)/n + z²/4n² )
 *
 * It stays inside 0 … 1 and says something sensible at 0 of n and n of n, where the usual p ± z·√(p(1−p)/n) has no
 * width. Wilson, JASA 22 (1927) 209-212.
 */

export interface Interval {
  /** 0 … 1 */
  readonly low: number;
  /** 0 … 1 */
  readonly high: number;
}

/** The interval for `hits` of `count`, 95 % unless another z is given. The whole range for no trials at all. */
export function wilson(hits: number, count: number, z = 1.959964): Interval {
  if (count <= 0) return { low: 0, high: 1 };
  const p = hits / count;
  const scale = 1 + (z * z) / count;
  const centre = (p + (z * z) / (2 * count)) / scale;
  const half = (z / scale) * Math.sqrt((p * (1 - p)) / count + (z * z) / (4 * count * count));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
