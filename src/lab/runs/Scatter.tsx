/** @file Safety and task accuracy of all runs: a scatter plot with the Pareto front, a legend and notes. */
import { useMemo, useState, type JSX } from "react";
import { canonical } from "../../experiment/spec/canonical.ts";
import { methodTitle } from "../run/labels.ts";
import { MethodMark } from "../ui/MethodMark.tsx";
import { SCATTER } from "./copy.ts";
import { paretoFront } from "./pareto.ts";
import css from "./scatter.module.css";
import { describePoint, pointsOf, type ScatterPoint } from "./scatterPoints.ts";
import { ScatterPlot } from "./ScatterPlot.tsx";
import type { RunSummary } from "./runSummary.ts";

export function Scatter({ runs }: { readonly runs: readonly RunSummary[] }): JSX.Element {
  const points = useMemo(() => pointsOf(runs), [runs]);
  const front = useMemo(() => paretoFront(points), [points]);
  const [hovered, hover] = useState<string | null>(null);
  const missing = runs.length - points.length;
  const shown = points.find(({ run }) => run.runId === hovered);
  const comparable = useMemo(
    () => new Set(points.map(({ run: { spec } }) => canonical([spec.model, spec.data, spec.eval]))).size <= 1,
    [points],
  );
  return (
    <figure className={css.scatter} data-testid="scatter">
      <figcaption>
        <h3>{SCATTER.title}</h3>
        <p role="status">{shown !== undefined ? describePoint(shown, front) : points.length > 0 && SCATTER.hint}</p>
      </figcaption>
      {points.length === 0 ? (
        <p className={css.note}>{SCATTER.empty}</p>
      ) : (
        <ScatterPlot points={points} front={front} hovered={hovered} onHover={hover} />
      )}
      {points.length > 0 && <Legend points={points} />}
      <p className={css.note}>
        {front.length > 0 && SCATTER.front(front.length, points.length)}
        {missing > 0 && SCATTER.missing(missing)}
        {!comparable && SCATTER.mixed}
      </p>
    </figure>
  );
}

function Legend({ points }: { readonly points: readonly ScatterPoint[] }): JSX.Element {
  const methods = new Map(points.map(({ run: { spec } }) => [methodTitle(spec.method), spec.method]));
  return (
    <ul className={css.legend}>
      {[...methods].map(([title, method]) => (
        <li key={title}>
          <MethodMark method={method} />
          {title}
        </li>
      ))}
    </ul>
  );
}
