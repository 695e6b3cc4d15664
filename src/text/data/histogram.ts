/** @file How long the rows are: counts over round intervals of tokens. */

export interface Bin {
  /** Lengths from `from` up to, but not including, `to`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Widths that people read easily: 1, 2, 5 times a power of ten, and the powers of two that lengths are cut to. */
function niceWidth(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((width) => width >= least) ?? 10 * power;
}

/** At most `most` bins of one width from 0 to beyond the longest. Empty for no lengths. */
export function lengthHistogram(lengths: ArrayLike<number>, most = 24): Bin[] {
  let longest = 0;
  for (let i = 0; i < lengths.length; i += 1) longest = Math.max(longest, lengths[i] ?? 0);
  if (lengths.length === 0) return [];
  const width = niceWidth((longest + 1) / most);
  const counts = new Array<number>(Math.floor(longest / width) + 1).fill(0);
  for (let i = 0; i < lengths.length; i += 1) {
    const bin = Math.floor((lengths[i] ?? 0) / width);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count, i) => ({ from: i * width, to: (i + 1) * width, count }));
}
