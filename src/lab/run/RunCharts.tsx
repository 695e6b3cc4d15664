/** @file Curves, answers and modules of a run, during it and afterwards, with one shared cursor. */
import { memo, Suspense, useMemo, useState, type JSX } from "react";
import { lazyPart } from "../ui/lazyPart.tsx";
import { createChartCursor, type ChartCursorStore } from "../ui/chartCursor.ts";
import { CURVES } from "./copy.ts";
import { CurveTools } from "./curves/CurveTools.tsx";
import { evaluationCurves, type Curve } from "./curves/curves.ts";
import { useCurveSettings } from "../shell/app/labContext.ts";
import { StepCurves } from "./curves/stepCurves.ts";
import { StepCursor } from "./curves/StepCursor.tsx";
import { usePaced } from "./curves/usePaced.ts";
import { ModulePanel } from "./heatmap/ModulePanel.tsx";
import type { RunState } from "./runState.ts";
import { SamplesPanel } from "./samples/SamplesPanel.tsx";
import css from "./run.module.css";

const Chart = lazyPart(() => import("../ui/Chart.tsx"));

export function RunCharts({ run }: { readonly run: Exclude<RunState, { kind: "idle" }> }): JSX.Element {
  const [cursor] = useState(createChartCursor);
  const { log } = run;
  const steps = usePaced(log.steps);
  const smoothing = useCurveSettings((state) => state.smoothing);
  const [stepCurves] = useState(() => new StepCurves(log.spec));
  const curves = useMemo(() => stepCurves.curves(steps, smoothing), [stepCurves, steps, smoothing]);
  const scores = useMemo(() => evaluationCurves(log.evaluations, log.spec), [log.evaluations, log.spec]);
  const last = Math.max(log.plan?.totalSteps ?? 1, log.steps.at(-1)?.step ?? 0);
  return (
    <>
      <section aria-labelledby="curves-title" className={css.curves}>
        <div className={css.curvesHead}>
          <h3 id="curves-title">{CURVES.title}</h3>
          <CurveTools cursor={cursor} />
        </div>
        <StepCursor cursor={cursor} curves={[...scores, ...curves]} taken={log.steps.length} last={last} />
        <Suspense fallback={null}>
          <div className={css.charts}>
            {scores.map((curve) => (
              <div key={curve.key} className={css.wide}>
                <OneChart curve={curve} cursor={cursor} last={last} />
              </div>
            ))}
            {curves.map((curve, i) => (
              // Five charts are laid out as two and three, four as two and two.
              <div key={curve.key} className={curves.length === 5 && i >= 2 ? css.third : css.half}>
                <OneChart curve={curve} cursor={cursor} last={last} />
              </div>
            ))}
          </div>
        </Suspense>
      </section>
      <SamplesPanel run={run} cursor={cursor} />
      <ModulePanel run={run} cursor={cursor} last={last} />
    </>
  );
}

/** Redrawn only when its curve changes; the run state changes more often. */
const OneChart = memo(function OneChart({
  curve,
  cursor,
  last,
}: {
  readonly curve: Curve;
  readonly cursor: ChartCursorStore;
  readonly last: number;
}): JSX.Element {
  const logarithmic = useCurveSettings((state) => state.logarithmic);
  const { title, unit, x, series, format, range, scale, height } = curve;
  return (
    <Chart
      title={title}
      x={x}
      series={series}
      y={{
        format,
        log: scale === "log" || (scale === "chosen" && logarithmic),
        ...(range === undefined ? {} : { range }),
      }}
      cursor={cursor}
      xMax={last}
      {...(unit === undefined ? {} : { unit })}
      {...(height === undefined ? {} : { height })}
    />
  );
});
