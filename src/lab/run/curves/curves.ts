/** @file The curves of a run: what a curve is, and those with one value per evaluation. Pure. */
import { rateBounds, type Rate } from "../../../eval/scores.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import type { ChartSeries } from "../../ui/chartSeries.ts";
import type { Values } from "../../ui/longValues.ts";
import { perplexity } from "../../support/format.ts";
import { CHARTS } from "../copy.ts";
import type { EvaluationPoint } from "../runLog.ts";
import { rateAt, scoresOf } from "../scoreList.ts";

export interface Curve {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  readonly x: Values;
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  /** The value in a line of several: "640 tokens/s". */
  readonly short: (value: number, series: string) => string;
  readonly range?: readonly [number, number];
  /** chosen: linear or logarithmic as the user chose. */
  readonly scale: "linear" | "log" | "chosen";
  readonly height?: number;
}

/** The curves with one value per evaluation: rates in percent, perplexity. */
export function evaluationCurves(evaluations: readonly EvaluationPoint[], spec: Spec): readonly Curve[] {
  const x = evaluations.map(({ step }) => step);
  return [...scoreCurve(x, evaluations, spec), ...perplexityCurve(x, evaluations)];
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
