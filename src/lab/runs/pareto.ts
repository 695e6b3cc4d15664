/**
 * @file The Pareto front of runs: those for which no other run is both safer and better at the task.
 *
 *     b dominates a   when   harmful(b) ≤ harmful(a),  accuracy(b) ≥ accuracy(a),  and one of the two strictly
 *
 * Runs with equal scores do not dominate each other: all of them are on the front, or none. The front uses the measured
 * shares; intervals are only drawn.
 */

export interface ParetoPoint {
  /** Percent; lower is better. */
  readonly harmful: number;
  /** Percent; higher is better. */
  readonly accuracy: number;
}

/** The points that no other dominates, safest first; equal points keep their order. O(n log n). */
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
