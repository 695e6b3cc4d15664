/**
 * @file The Pareto front of runs: those than which no other is both safer and better at the task.
 *
 *     b dominates a   when   harmful(b) ≤ harmful(a),  accuracy(b) ≥ accuracy(a),  and one of the two strictly
 *
 * Runs with the same pair of figures dominate each other in nothing: all of them are on the front, or none. Figures are
 * the measured shares; intervals are drawn and do not enter.
 */

export interface ParetoPoint {
  /** Percent; lower is better. */
  readonly harmful: number;
  /** Percent; higher is better. */
  readonly accuracy: number;
}

/** Those of the points that no other dominates, from the safest; each keeps its place among equals. O(n log n). */
export function paretoFront<T extends ParetoPoint>(points: readonly T[]): readonly T[] {
  const ordered = points
    .map((point, at) => ({ point, at }))
    .sort((a, b) => a.point.harmful - b.point.harmful || b.point.accuracy - a.point.accuracy || a.at - b.at);
  const front: T[] = [];
  let best: ParetoPoint | null = null;
  for (const { point } of ordered) {
    const tie: boolean = best !== null && point.harmful === best.harmful && point.accuracy === best.accuracy;
    if (best === null || point.accuracy > best.accuracy || tie) {
      front.push(point);
      if (!tie) best = point;
    }
  }
  return front;
}
