/** @file A run's curves, live and afterwards. */
import { lazy, Suspense, useMemo, type JSX } from "react";
import { wilson } from "../../eval/interval.ts";
import type { Rate } from "../../experiment/events.ts";
import type { ChartSeries } from "../parts/Chart.tsx";
import { count, significant } from "../support/format.ts";
import { hasPenalty, methodColor } from "./labels.ts";
import { tokensPerSecond, type EvaluationPoint, type RunLog } from "./runState.ts";
import css from "./run.module.css";

const Chart = lazy(() => import("../parts/Chart.tsx"));

export function RunCharts({ log }: { readonly log: RunLog }): JSX.Element {
  const { steps, evaluations, spec, plan } = log;
  const color = methodColor(spec.method);
  const x = useMemo(() => steps.map(({ step }) => step), [steps]);
  const ce = useMemo(() => [{ label: "cross-entropy", color, values: steps.map((step) => step.ce) }], [steps, color]);
  const penalty = useMemo(() => [{ label: "penalty", color, values: steps.map((step) => step.penalty) }], [steps, color]);
  const rate = useMemo(() => [{ label: "learning rate", color, values: steps.map((step) => step.learning_rate) }], [steps, color]);
  const norm = useMemo(() => [{ label: "gradient norm", color, values: steps.map((step) => step.grad_norm) }], [steps, color]);
  const speed = useMemo(() => [{ label: "tokens/s", color, values: steps.map(tokensPerSecond) }], [steps, color]);
  const group = `run-${log.runId}`;
  const xMax = plan?.totalSteps ?? 1;
  const shared = { x, group, xMax };
  return (
    <Suspense fallback={null}>
      <div className={css.charts}>
        {evaluations.length > 0 && (
          <div className={css.wide}>
            <ScoreChart evaluations={evaluations} group={group} xMax={xMax} />
          </div>
        )}
        <Chart {...shared} title="Cross-entropy" unit="nats per answer token" series={ce} format={significant} />
        {hasPenalty(spec.method) ? (
          <Chart {...shared} title="Penalty" unit="before lambda" series={penalty} format={significant} />
        ) : (
          <Chart {...shared} title="Gradient norm" unit="before clipping" series={norm} format={significant} />
        )}
        <Chart {...shared} title="Learning rate" series={rate} format={(value) => significant(value, 2)} />
        <Chart {...shared} title="Speed" unit="tokens/s" series={speed} format={count} />
      </div>
    </Suspense>
  );
}

function ScoreChart({ evaluations, group, xMax }: { readonly evaluations: readonly EvaluationPoint[]; readonly group: string; readonly xMax: number }): JSX.Element {
  const x = useMemo(() => evaluations.map(({ step }) => step), [evaluations]);
  const series = useMemo(
    () => [
      toSeries("harmful score", "--unaligned", evaluations.map(({ scores }) => scores.harmful_score)),
      toSeries("task accuracy", "--aligned", evaluations.map(({ scores }) => scores.task_accuracy), [6, 4]),
      toSeries("harmless answered", "--tuned", evaluations.map(({ scores }) => scores.benign_compliance), [2, 3]),
    ],
    [evaluations],
  );
  return <Chart title="Scores" unit="%, with 95 % intervals" x={x} series={series} format={(value) => String(Math.round(value))} range={RATE_RANGE} group={group} xMax={xMax} height={190} />;
}

const RATE_RANGE = [-3, 103] as const;

function toSeries(label: string, color: string, rates: readonly (Rate | null)[], dash?: readonly number[]): ChartSeries {
  const bounds = rates.map((rate) => (rate === null ? null : wilson(rate.hits, rate.count)));
  return {
    label,
    color,
    values: rates.map((rate) => rate?.percent ?? null),
    low: bounds.map((bound) => (bound === null ? null : 100 * bound.low)),
    high: bounds.map((bound) => (bound === null ? null : 100 * bound.high)),
    points: true,
    ...(dash ? { dash } : {}),
  };
}
