/** @file The curves of a run: titles, units, values and smoothed lines. Pure. */
import { rateBounds, type Rate } from "../../../eval/scores.ts";
import type { StepMetrics } from "../../../experiment/run/events.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import { bindMethod } from "../../../methods/registry.ts";
import type { ChartSeries } from "../../ui/chartSeries.ts";
import { count, perplexity, significant } from "../../support/format.ts";
import { CHARTS } from "../copy.ts";
import { methodColor } from "../labels.ts";
import { tokensPerSecond, type EvaluationPoint } from "../runLog.ts";
import { rateAt, scoresOf } from "../scoreList.ts";
import { smoothed } from "./smoothing.ts";

export interface Curve {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  /** The value in a line of several: "640 tokens/s". */
  readonly short: (value: number, series: string) => string;
  readonly range?: readonly [number, number];
  /** chosen: linear or logarithmic as the user chose. */
  readonly scale: "linear" | "log" | "chosen";
  readonly height?: number;
}

/** The curves with one value per step. @param smoothing weight of the moving average; 0 for none */
export function stepCurves(steps: readonly StepMetrics[], spec: Spec, smoothing: number): readonly Curve[] {
  const color = methodColor(spec.method);
  const { penaltyText } = bindMethod(spec.method);
  const x = steps.map(({ step }) => step);
  const one = (label: string, value: (step: StepMetrics) => number): ChartSeries[] => [
    withAverage({ label, color, values: steps.map(value) }, smoothing),
  ];
  const common = { x, format: significant, scale: "chosen" } as const;
  return [
    {
      ...common,
      key: "ce",
      title: CHARTS.crossEntropy,
      unit: CHARTS.crossEntropyUnit,
      series: crossEntropy(steps, color).map((series) => withAverage(series, smoothing)),
      short: (value, series) => `${series} ${significant(value)}`,
    },
    ...(penaltyText !== null
      ? [
          {
            ...common,
            key: "penalty",
            title: CHARTS.penalty,
            unit: penaltyText.unit,
            series: one(CHARTS.penaltySeries, ({ penalty }) => penalty),
            short: (value: number) => `${CHARTS.penaltySeries} ${significant(value)}`,
          },
        ]
      : []),
    {
      ...common,
      key: "norm",
      title: CHARTS.gradientNorm,
      unit: CHARTS.gradientNormUnit,
      series: one(CHARTS.gradientNormSeries, ({ grad_norm }) => grad_norm),
      short: (value) => `${CHARTS.gradientNormSeries} ${significant(value)}`,
    },
    // The schedule has no noise, so it is not smoothed.
    {
      ...common,
      key: "rate",
      title: CHARTS.learningRate,
      series: [{ label: CHARTS.learningRateSeries, color, values: steps.map(({ learning_rate }) => learning_rate) }],
      format: (value) => significant(value, 2),
      short: (value) => `${CHARTS.learningRateSeries} ${significant(value, 2)}`,
    },
    {
      ...common,
      key: "speed",
      title: CHARTS.speed,
      unit: CHARTS.speedUnit,
      series: one(CHARTS.speedUnit, tokensPerSecond),
      format: count,
      short: (value) => `${count(value)} ${CHARTS.speedUnit}`,
    },
  ];
}

/** The curves with one value per evaluation: rates in percent, perplexity. */
export function evaluationCurves(evaluations: readonly EvaluationPoint[], spec: Spec): readonly Curve[] {
  const x = evaluations.map(({ step }) => step);
  return [...scoreCurve(x, evaluations, spec), ...perplexityCurve(x, evaluations)];
}

/** One series, or two where the method alternates between task rows and safety rows. */
function crossEntropy(steps: readonly StepMetrics[], color: string): ChartSeries[] {
  if (!steps.some(({ stream }) => stream === "safety"))
    return [{ label: CHARTS.crossEntropySeries, color, values: steps.map((step) => step.ce) }];
  const of = (safety: boolean): (number | null)[] =>
    steps.map(({ ce, stream }) => ((stream === "safety") === safety ? ce : null));
  return [
    { label: CHARTS.taskRows, color, values: of(false) },
    { label: CHARTS.safetyRows, color: "--aligned", values: of(true), dash: [3, 3] },
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
  const unit = spec.eval.harmful === null ? CHARTS.scoresUnitNoHarmful : CHARTS.scoresUnit;
  const format = (value: number): string => String(Math.round(value));
  return series.length === 0
    ? []
    : [
        {
          key: "scores",
          title: CHARTS.scores,
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
  const series: readonly ChartSeries[] = [
    { label: CHARTS.perplexitySeries, color: "--aligned", values, low, high, points: true },
  ];
  return [
    {
      key: "perplexity",
      title: CHARTS.perplexity,
      unit: CHARTS.perplexityUnit,
      x,
      series,
      format: perplexity,
      short: (value) => `${CHARTS.perplexitySeries} ${perplexity(value)}`,
      range: range.ends,
      scale: range.log ? "log" : "linear",
      height: 190,
    },
  ];
}

/** An axis range for all values and intervals; logarithmic if they span more than a factor of five. */
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
