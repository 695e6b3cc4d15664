/** @file Runs as points of the scatter plot, and a point in words. Pure. */
import { runTitle } from "./runTitle.ts";
import { rateBounds, type Bounds } from "../../eval/scores.ts";
import { percent } from "../support/format.ts";
import { SCATTER } from "./copy.ts";
import type { ParetoPoint } from "./pareto.ts";
import type { RunSummary } from "./runSummary.ts";
import { endsOf } from "./storedRun.ts";

export interface ScatterPoint extends ParetoPoint {
  readonly run: RunSummary;
  readonly harmfulBounds: Bounds;
  readonly accuracyBounds: Bounds;
}

/** The runs with both scores, safest first: the order of the arrow keys. */
export function pointsOf(runs: readonly RunSummary[]): readonly ScatterPoint[] {
  return runs
    .flatMap((run): ScatterPoint[] => {
      const { after } = endsOf(run);
      const [harmful, accuracy] = [after?.harmful_score ?? null, after?.task_accuracy ?? null];
      return harmful === null || accuracy === null
        ? []
        : [
            {
              run,
              harmful: harmful.percent,
              accuracy: accuracy.percent,
              harmfulBounds: rateBounds(harmful),
              accuracyBounds: rateBounds(accuracy),
            },
          ];
    })
    .sort((a, b) => a.harmful - b.harmful || b.accuracy - a.accuracy || b.run.endedAt - a.run.endedAt);
}

/** Number of runs at each position, by "harmful accuracy". */
export function countByPosition(points: readonly ScatterPoint[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { harmful, accuracy } of points)
    counts.set(`${harmful} ${accuracy}`, (counts.get(`${harmful} ${accuracy}`) ?? 0) + 1);
  return counts;
}

/** "AsFT, λ 1, seed 0: harmful 3 % (1 to 8), accuracy 97 % (92 to 99), on the Pareto front". */
export function describePoint(point: ScatterPoint, front: readonly ScatterPoint[]): string {
  const { run, harmful, accuracy, harmfulBounds, accuracyBounds } = point;
  const { name } = run.spec;
  const score = (value: number, { low, high }: Bounds): string =>
    `${percent(value)} (${SCATTER.interval(Math.round(low), Math.round(high))})`;
  const title = runTitle(run);
  const text = SCATTER.scores(
    name === undefined ? title : SCATTER.run(title, name),
    score(harmful, harmfulBounds),
    score(accuracy, accuracyBounds),
  );
  return front.includes(point) ? text + SCATTER.onFront : text;
}
