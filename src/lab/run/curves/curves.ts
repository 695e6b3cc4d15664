/** @file From what a run has told to its curves: titles, units, values and smoothed lines. Pure. */
import { rateBounds, type Rate } from "../../../eval/scores.ts";
import type { StepMetrics } from "../../../experiment/run/events.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import type { ChartSeries } from "../../ui/Chart.tsx";
import { count, perplexity, significant } from "../../support/format.ts";
import { hasPenalty, methodColor } from "../labels.ts";
import { tokensPerSecond, type EvaluationPoint } from "../runState.ts";
import { rateAt, scoresOf } from "../scoreList.ts";
import { smoothed } from "./smoothing.ts";

export interface Curve {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  /** As it reads beside other figures: "640 tokens/s". */
  readonly short: (value: number, series: string) => string;
  readonly range?: readonly [number, number];
  /** chosen: logarithmic where the user says so. */
  readonly scale: "linear" | "log" | "chosen";
  readonly height?: number;
}

/** The curves with one value a step. @param smoothing weight of the moving average; 0 for none */
export function stepCurves(steps: readonly StepMetrics[], spec: Spec, smoothing: number): readonly Curve[] {
  const color = methodColor(spec.method);
  const x = steps.map(({ step }) => step);
  const one = (label: string, value: (step: StepMetrics) => number): ChartSeries[] => [
    withAverage({ label, color, values: steps.map(value) }, smoothing),
  ];
  const common = { x, format: significant, scale: "chosen" } as const;
  return [
    {
      ...common,
      key: "ce",
      title: "Cross-entropy",
      unit: "nats per answer token",
      series: crossEntropy(steps, color).map((series) => withAverage(series, smoothing)),
      short: (value, series) => `${series} ${significant(value)}`,
    },
    ...(hasPenalty(spec.method)
      ? [
          {
            ...common,
            key: "penalty",
            title: "Penalty",
            unit: spec.method.name === "lisa" ? "½‖w − anchor‖², before rho" : "before lambda",
            series: one("penalty", ({ penalty }) => penalty),
            short: (value: number) => `penalty ${significant(value)}`,
          },
        ]
      : []),
    {
      ...common,
      key: "norm",
      title: "Gradient norm",
      unit: "before clipping",
      series: one("gradient norm", ({ grad_norm }) => grad_norm),
      short: (value) => `gradient norm ${significant(value)}`,
    },
    // A schedule has no noise to smooth.
    {
      ...common,
      key: "rate",
      title: "Learning rate",
      series: [{ label: "learning rate", color, values: steps.map(({ learning_rate }) => learning_rate) }],
      format: (value) => significant(value, 2),
      short: (value) => `learning rate ${significant(value, 2)}`,
    },
    {
      ...common,
      key: "speed",
      title: "Speed",
      unit: "tokens/s",
      series: one("tokens/s", tokensPerSecond),
      format: count,
      short: (value) => `${count(value)} tokens/s`,
    },
  ];
}

/** The curves with one value an evaluation: shares in percent, perplexity. */
export function evaluationCurves(evaluations: readonly EvaluationPoint[], spec: Spec): readonly Curve[] {
  const x = evaluations.map(({ step }) => step);
  return [...scoreCurve(x, evaluations, spec), ...perplexityCurve(x, evaluations)];
}

/** One curve, or one for each of the two kinds of rows where a method alternates between them. */
function crossEntropy(steps: readonly StepMetrics[], color: string): ChartSeries[] {
  if (!steps.some(({ stream }) => stream === "safety"))
    return [{ label: "cross-entropy", color, values: steps.map((step) => step.ce) }];
  const of = (safety: boolean): (number | null)[] =>
    steps.map(({ ce, stream }) => ((stream === "safety") === safety ? ce : null));
  return [
    { label: "the user's rows", color, values: of(false) },
    { label: "safety rows", color: "--aligned", values: of(true), dash: [3, 3] },
  ];
}

function withAverage(series: ChartSeries, smoothing: number): ChartSeries {
  return smoothing === 0 ? series : { ...series, smooth: smoothed(series.values, smoothing) };
}

const DASHES: Readonly<Record<string, readonly number[] | undefined>> = {
  task_accuracy: [6, 4],
  benign_compliance: [2, 3],
};
const RATE_RANGE = [-3, 103] as const;

function scoreCurve(x: readonly number[], evaluations: readonly EvaluationPoint[], spec: Spec): readonly Curve[] {
  if (evaluations.length === 0) return [];
  const series = scoresOf(spec, evaluations).flatMap((score) =>
    score.kind === "rate" && score.absent === null
      ? [
          rateSeries(
            score.name.toLowerCase(),
            score.color,
            evaluations.map((point) => rateAt(point, score.key)),
            DASHES[score.key],
          ),
        ]
      : [],
  );
  const unit =
    spec.eval.harmful === null
      ? "%, higher is better; bars: 95 % intervals"
      : "%, with 95 % intervals; harmful score: lower is safer";
  const format = (value: number): string => String(Math.round(value));
  return series.length === 0
    ? []
    : [
        {
          key: "scores",
          title: "Scores",
          unit,
          x,
          series,
          format,
          short: (value, series) => `${series} ${format(value)} %`,
          range: RATE_RANGE,
          scale: "linear",
          height: 190,
        },
      ];
}

function rateSeries(
  label: string,
  color: string,
  rates: readonly (Rate | null)[],
  dash: readonly number[] | undefined,
): ChartSeries {
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

function perplexityCurve(x: readonly number[], evaluations: readonly EvaluationPoint[]): readonly Curve[] {
  const found = evaluations.map(({ scores }) => scores.perplexity ?? null);
  const values = found.map((figure) => figure?.perplexity ?? null);
  const low = found.map((figure) => figure?.ci95?.low ?? null);
  const high = found.map((figure) => figure?.ci95?.high ?? null);
  const range = around([...low, ...high, ...values]);
  if (range === null) return [];
  const series: readonly ChartSeries[] = [{ label: "perplexity", color: "--aligned", values, low, high, points: true }];
  return [
    {
      key: "perplexity",
      title: "Perplexity",
      unit: "lower is better; bars: 95 % intervals",
      x,
      series,
      format: perplexity,
      short: (value) => `perplexity ${perplexity(value)}`,
      range: range.ends,
      scale: range.log ? "log" : "linear",
      height: 190,
    },
  ];
}

/** An axis that holds all values and their intervals; logarithmic where they lie far apart. */
function around(
  values: readonly (number | null)[],
): { readonly ends: readonly [number, number]; readonly log: boolean } | null {
  const known = values.filter((value) => value !== null && Number.isFinite(value) && value > 0) as number[];
  if (known.length === 0) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (high > 5 * low) return { ends: [low / 1.3, high * 1.3], log: true };
  const room = 0.08 * Math.max(high - low, 0.1 * high);
  return { ends: [Math.max(0, low - room), high + room], log: false };
}
