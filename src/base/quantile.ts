/**
 * @file Quantiles that are interpolated linearly between order statistics: type 7 of Hyndman and Fan (Am. Stat. 50,
 * 1996), the default of numpy.quantile and torch.quantile.
 */

/** @param sorted ascending, at least one value */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  return between(sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN, at);
}

/** The value at the place `at` of the sorted values, from those at its floor and its ceiling. */
export function between(below: number, above: number, at: number): number {
  return below + (at - Math.floor(at)) * (above - below);
}
