/** @file A run's curves, live and afterwards. */
import { lazy, Suspense, useMemo, type JSX } from "react";
import { rateBounds } from "../../eval/scores.ts";
import type { Rate, StepMetrics } from "../../experiment/events.ts";
import type { Spec } from "../../experiment/spec.ts";
import type { ChartSeries } from "../parts/Chart.tsx";
import { count, perplexity, significant } from "../support/format.ts";
import { hasPenalty, methodColor } from "./labels.ts";
import { tokensPerSecond, type EvaluationPoint, type RunLog } from "./runState.ts";
import { rateAt, scoresOf } from "./scoreList.ts";
import css from "./run.module.css";

const Chart = lazy(() => import("../parts/Chart.tsx"));

export function RunCharts({ log }: { readonly log: RunLog }): JSX.Element {
  const { steps, evaluations, spec, plan } = log;
  const color = methodColor(spec.method);
  const x = useMemo(() => steps.map(({ step }) => step), [steps]);
  const ce = useMemo(() => crossEntropy(steps, color), [steps, color]);
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
            <ScoreChart evaluations={evaluations} spec={spec} group={group} xMax={xMax} />
            <PerplexityChart evaluations={evaluations} group={group} xMax={xMax} />
          </div>
        )}
        <Chart {...shared} title="Cross-entropy" unit="nats per answer token" series={ce} format={significant} />
        {hasPenalty(spec.method) ? (
          <Chart {...shared} title="Penalty" unit={spec.method.name === "lisa" ? "½‖w − anchor‖², before rho" : "before lambda"} series={penalty} format={significant} />
        ) : (
          <Chart {...shared} title="Gradient norm" unit="before clipping" series={norm} format={significant} />
        )}
        <Chart {...shared} title="Learning rate" series={rate} format={(value) => significant(value, 2)} />
        <Chart {...shared} title="Speed" unit="tokens/s" series={speed} format={count} />
      </div>
    </Suspense>
  );
}

/** One curve, or one for each of the two kinds of rows where a method alternates between them. */
function crossEntropy(steps: readonly StepMetrics[], color: string): ChartSeries[] {
  if (!steps.some(({ stream }) => stream === "safety")) return [{ label: "cross-entropy", color, values: steps.map((step) => step.ce) }];
  const of = (safety: boolean): (number | null)[] => steps.map(({ ce, stream }) => ((stream === "safety") === safety ? ce : null));
  return [
    { label: "the user's rows", color, values: of(false) },
    { label: "safety rows", color: "--aligned", values: of(true), dash: [3, 3] },
  ];
}

interface ScoreChartProps {
  readonly evaluations: readonly EvaluationPoint[];
  readonly spec: Spec;
  readonly group: string;
  readonly xMax: number;
}

const DASHES: Readonly<Record<string, readonly number[] | undefined>> = { task_accuracy: [6, 4], benign_compliance: [2, 3] };

function ScoreChart({ evaluations, spec, group, xMax }: ScoreChartProps): JSX.Element | null {
  const x = useMemo(() => evaluations.map(({ step }) => step), [evaluations]);
  const series = useMemo(
    () =>
      scoresOf(spec, evaluations).flatMap((score) =>
        score.kind === "rate" && score.absent === null ? [rateSeries(score.name.toLowerCase(), score.color, evaluations.map((point) => rateAt(point, score.key)), DASHES[score.key])] : [],
      ),
    [evaluations, spec],
  );
  if (series.length === 0) return null;
  const unit = spec.eval.harmful === null ? "%, higher is better; bars: 95 % intervals" : "%, with 95 % intervals; harmful score: lower is safer";
  return <Chart title="Scores" unit={unit} x={x} series={series} format={(value) => String(Math.round(value))} range={RATE_RANGE} group={group} xMax={xMax} height={190} />;
}

function PerplexityChart({ evaluations, group, xMax }: Omit<ScoreChartProps, "spec">): JSX.Element | null {
  const x = useMemo(() => evaluations.map(({ step }) => step), [evaluations]);
  const series = useMemo(() => {
    const found = evaluations.map(({ scores }) => scores.perplexity ?? null);
    const one: ChartSeries = {
      label: "perplexity",
      color: "--aligned",
      values: found.map((figure) => figure?.perplexity ?? null),
      low: found.map((figure) => figure?.ci95?.low ?? null),
      high: found.map((figure) => figure?.ci95?.high ?? null),
      points: true,
    };
    return [one];
  }, [evaluations]);
  const range = useMemo(() => around(series.flatMap(({ low = [], high = [], values }) => [...low, ...high, ...values])), [series]);
  if (range === null) return null;
  return <Chart title="Perplexity" unit="lower is better; bars: 95 % intervals" x={x} series={series} format={perplexity} range={range.ends} log={range.log} group={group} xMax={xMax} height={190} />;
}

/** An axis that holds all values and their intervals; logarithmic where they lie far apart. */
function around(values: readonly (number | null)[]): { readonly ends: readonly [number, number]; readonly log: boolean } | null {
  const known = values.filter((value) => value !== null && Number.isFinite(value) && value > 0) as number[];
  if (known.length === 0) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  // The chart counts its ticks from the lower end in powers of ten.
  if (high > 5 * low) return { ends: [10 ** Math.floor(Math.log10(low)), high * 1.3], log: true };
  const room = 0.08 * Math.max(high - low, 0.1 * high);
  return { ends: [Math.max(0, low - room), high + room], log: false };
}

const RATE_RANGE = [-3, 103] as const;

function rateSeries(label: string, color: string, rates: readonly (Rate | null)[], dash: readonly number[] | undefined): ChartSeries {
  const bounds = rates.map((rate) => (rate === null ? null : rateBounds(rate)));
  return {
    label,
    color,
    values: rates.map((rate) => rate?.percent ?? null),
    low: bounds.map((bound) => bound?.low ?? null),
    high: bounds.map((bound) => bound?.high ?? null),
    points: true,
    ...(dash ? { dash } : {}),
  };
}
