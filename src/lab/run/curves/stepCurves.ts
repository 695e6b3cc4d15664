/**
 * @file The curves with one value per step, kept up to date while a run grows: a new step costs as much after 100,000
 * steps as after ten.
 */
import type { StepMetrics } from "../../../experiment/run/events.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import { bindMethod } from "../../../methods/registry.ts";
import { count, significant } from "../../support/format.ts";
import type { ChartSeries } from "../../ui/chartSeries.ts";
import { LongValues } from "../../ui/longValues.ts";
import { CHARTS } from "../copy.ts";
import { methodColor } from "../labels.ts";
import { tokensPerSecond } from "../runLog.ts";
import type { Steps } from "../stepList.ts";
import type { Curve } from "./curves.ts";
import { MovingAverage } from "./smoothing.ts";

/** A curve that is smoothed where the user wants that. */
interface Line {
  readonly valueOf: (step: StepMetrics) => number | null;
  readonly values: LongValues;
}

/** The moving average of a line. */
interface SmoothLine {
  readonly average: MovingAverage;
  readonly values: LongValues;
}

const LINES = {
  ce: ({ ce }) => ce,
  taskCe: ({ ce, stream }) => (stream === "safety" ? null : ce),
  safetyCe: ({ ce, stream }) => (stream === "safety" ? ce : null),
  penalty: ({ penalty }) => penalty,
  norm: ({ grad_norm }) => grad_norm,
  rate: ({ learning_rate }) => learning_rate,
  speed: tokensPerSecond,
} as const satisfies Readonly<Record<string, (step: StepMetrics) => number | null>>;

type LineName = keyof typeof LINES;
const LINE_NAMES = Object.keys(LINES) as LineName[];

/** Where values are kept. */
type Storage = () => (number | null)[];

/** The lines of one run so far. */
class Lines {
  readonly weight: number;
  readonly x: LongValues;
  readonly lines: Readonly<Record<LineName, Line>>;
  readonly #smooth: ReadonlyMap<LineName, SmoothLine>;
  hasSafety = false;
  #first: StepMetrics | undefined;
  #last: StepMetrics | undefined;

  /** @param weight of the moving average; 0 for none */
  constructor(weight: number, storage: Storage) {
    this.weight = weight;
    this.x = new LongValues(storage());
    const made = LINE_NAMES.map((name) => [name, { valueOf: LINES[name], values: new LongValues(storage()) }]);
    this.lines = Object.fromEntries(made) as Record<LineName, Line>;
    this.#smooth = new Map(
      weight === 0
        ? []
        : LINE_NAMES.map((name) => [name, { average: new MovingAverage(weight), values: new LongValues(storage()) }]),
    );
  }

  /** Whether these steps are those seen before and perhaps more. */
  continues(steps: Steps): boolean {
    const seen = this.x.length;
    return seen === 0 || (steps.at(0) === this.#first && steps.at(seen - 1) === this.#last);
  }

  follow(steps: Steps): void {
    for (const step of steps.slice(this.x.length)) {
      this.#first ??= step;
      this.#last = step;
      this.hasSafety ||= step.stream === "safety";
      this.x.push(step.step);
      for (const name of LINE_NAMES) this.#add(name, step);
    }
  }

  #add(name: LineName, step: StepMetrics): void {
    const { valueOf, values } = this.lines[name];
    const value = valueOf(step);
    values.push(value);
    const smooth = this.#smooth.get(name);
    smooth?.values.push(smooth.average.next(value));
  }

  series(name: LineName, label: string, color: string): ChartSeries {
    const smooth = this.#smooth.get(name);
    const values = this.lines[name].values.view();
    return smooth === undefined ? { label, color, values } : { label, color, values, smooth: smooth.values.view() };
  }
}

export class StepCurves {
  readonly #spec: Spec;
  readonly #storage: Storage;
  #lines: Lines;

  /** @param storage makes empty arrays; tests count what is read of them */
  constructor(spec: Spec, storage: Storage = () => []) {
    this.#spec = spec;
    this.#storage = storage;
    this.#lines = new Lines(0, storage);
  }

  /** @param smoothing weight of the moving average; 0 for none */
  curves(steps: Steps, smoothing: number): readonly Curve[] {
    if (this.#lines.weight !== smoothing || !this.#lines.continues(steps))
      this.#lines = new Lines(smoothing, this.#storage);
    this.#lines.follow(steps);
    return this.#draw(this.#lines);
  }

  #draw(lines: Lines): readonly Curve[] {
    const color = methodColor(this.#spec.method);
    const { penaltyText } = bindMethod(this.#spec.method);
    const common = { x: lines.x.view(), format: significant, scale: "chosen" } as const;
    const one = (name: LineName, label: string): ChartSeries[] => [lines.series(name, label, color)];
    const penalty: readonly Curve[] =
      penaltyText === null
        ? []
        : [
            {
              ...common,
              key: "penalty",
              title: CHARTS.penalty,
              unit: penaltyText.unit,
              series: one("penalty", CHARTS.penaltySeries),
              short: (value) => `${CHARTS.penaltySeries} ${significant(value)}`,
            },
          ];
    return [
      {
        ...common,
        key: "ce",
        title: CHARTS.crossEntropy,
        unit: CHARTS.crossEntropyUnit,
        series: crossEntropy(lines, color),
        short: (value, series) => `${series} ${significant(value)}`,
      },
      ...penalty,
      {
        ...common,
        key: "norm",
        title: CHARTS.gradientNorm,
        unit: CHARTS.gradientNormUnit,
        series: one("norm", CHARTS.gradientNormSeries),
        short: (value) => `${CHARTS.gradientNormSeries} ${significant(value)}`,
      },
      // The schedule has no noise, so it is not smoothed.
      {
        ...common,
        key: "rate",
        title: CHARTS.learningRate,
        series: [{ label: CHARTS.learningRateSeries, color, values: lines.lines.rate.values.view() }],
        format: (value) => significant(value, 2),
        short: (value) => `${CHARTS.learningRateSeries} ${significant(value, 2)}`,
      },
      {
        ...common,
        key: "speed",
        title: CHARTS.speed,
        unit: CHARTS.speedUnit,
        series: one("speed", CHARTS.speedUnit),
        format: count,
        short: (value) => `${count(value)} ${CHARTS.speedUnit}`,
      },
    ];
  }
}

/** One series, or two where the method alternates between task rows and safety rows. */
function crossEntropy(lines: Lines, color: string): ChartSeries[] {
  if (!lines.hasSafety) return [lines.series("ce", CHARTS.crossEntropySeries, color)];
  return [
    lines.series("taskCe", CHARTS.taskRows, color),
    { ...lines.series("safetyCe", CHARTS.safetyRows, "--aligned"), dash: [3, 3] },
  ];
}
