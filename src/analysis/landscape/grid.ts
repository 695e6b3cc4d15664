/** @file The points of a landscape, and the order in which they are measured: coarse to fine. */

/** `points` equally spaced numbers; 0 and 1 are hit exactly where they are on the grid. */
export function steps(low: number, high: number, points: number): number[] {
  if (points === 1) return [low];
  return Array.from({ length: points }, (_, i) => {
    const value = low + ((high - low) * i) / (points - 1);
    return Math.round(value * 1e9) / 1e9 + 0;
  });
}

/**
 * How fine a grid must be before it has each of `count` points: 0 for the ends and the middle, then each halving one
 * more.
 */
export function refinement(count: number): number[] {
  const levels = new Array<number>(count).fill(0);
  const halve = (from: number, to: number, level: number): void => {
    if (to - from < 2) return;
    const middle = Math.floor((from + to) / 2);
    levels[middle] = level;
    halve(from, middle, level + 1);
    halve(middle, to, level + 1);
  };
  halve(0, count - 1, 0);
  return levels;
}

/** A place in a grid: the number of the step on each axis. */
export type GridIndex = readonly [a: number, b: number];

/** All points of a grid of `width` × `height`, coarse to fine; a line has height 1. */
export function coarseToFine(width: number, height = 1): GridIndex[] {
  const [across, up] = [refinement(width), refinement(height)];
  const all = across.flatMap((_, a) => up.map((_, b): GridIndex => [a, b]));
  const level = ([a, b]: GridIndex): number => Math.max(across[a] ?? 0, up[b] ?? 0);
  return all.sort((p, q) => level(p) - level(q) || p[1] - q[1] || p[0] - q[0]);
}
