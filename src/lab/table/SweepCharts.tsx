/**
 * @file Plots of sweeps: harmful score and accuracy against a varied setting, with intervals.
 *
 * The values of the axis are evenly spaced in their order, so that a lambda of 0 fits next to powers of ten. The large
 * points are means with Wilson's interval over all prompts; the small points are single seeds.
 */
import type { JSX } from "react";
import { describeLabels } from "../../experiment/table/expand.ts";
import type { FigureName, TableRow } from "../../experiment/table/report.ts";
import { METHOD_AXIS, SEED_AXIS } from "../../experiment/table/tableSpec.ts";
import { SWEEP } from "./copy.ts";
import type { ReadyPlan } from "./TableCells.tsx";
import { axisTitle } from "./TableMatrix.tsx";
import text from "../ui/text.module.css";
import css from "./sweep.module.css";

interface Line {
  readonly name: Exclude<FigureName, "perplexity">;
  readonly color: string;
  readonly dash?: string;
}

const LINES: readonly Line[] = [
  { name: "harmful_score", color: "--unaligned" },
  { name: "task_accuracy", color: "--aligned", dash: "6 4" },
  { name: "benign_compliance", color: "--tuned", dash: "2 3" },
];

/** Axes with at least three values that are numbers, such as lambda. */
export function sweptAxes({ table }: ReadyPlan): readonly string[] {
  return table.axes
    .filter(
      ({ name, values }) =>
        name !== SEED_AXIS &&
        name !== METHOD_AXIS &&
        values.length >= 3 &&
        values.every(({ label }) => Number.isFinite(Number(label))),
    )
    .map(({ name }) => name);
}

export function SweepCharts({ plan }: { readonly plan: ReadyPlan }): JSX.Element | null {
  const axes = sweptAxes(plan);
  if (axes.length === 0) return null;
  return (
    <div className={css.sweeps}>
      {axes.flatMap((axis) =>
        groupsBeside(plan, axis).map(([title, rows]) => (
          <Sweep key={`${axis} ${title}`} plan={plan} axis={axis} title={title} rows={rows} />
        )),
      )}
    </div>
  );
}

/** Groups of rows that differ only on the swept axis, with the labels that they share. */
function groupsBeside({ report }: ReadyPlan, axis: string): readonly (readonly [string, readonly TableRow[]])[] {
  const groups = new Map<string, TableRow[]>();
  for (const row of report.rows) {
    if (row.moment !== "after") continue;
    const { [axis]: _, ...rest } = row.labels;
    const key = describeLabels(rest);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups];
}

const [WIDTH, HEIGHT] = [560, 240];
const FRAME = { left: 38, right: 14, top: 12, bottom: 40 };
const PERCENTS = [0, 25, 50, 75, 100] as const;

/** Vertical position of a percentage. */
function yOf(percent: number): number {
  return HEIGHT - FRAME.bottom - (percent / 100) * (HEIGHT - FRAME.top - FRAME.bottom);
}

interface SweepProps {
  readonly plan: ReadyPlan;
  readonly axis: string;
  readonly title: string;
  readonly rows: readonly TableRow[];
}

function Sweep({ plan, axis, title, rows }: SweepProps): JSX.Element {
  const labels = plan.table.axes.find(({ name }) => name === axis)?.values.map(({ label }) => label) ?? [];
  const xOf = (i: number): number => FRAME.left + ((i + 0.5) * (WIDTH - FRAME.left - FRAME.right)) / labels.length;
  const shown = LINES.filter(({ name }) => rows.some(({ figures }) => figures[name] !== null));
  const curves = shown.map((line) => ({ line, points: pointsOf(labels, rows, axis, line.name) }));
  const head = axisTitle(axis);
  return (
    <figure className={css.sweep} data-testid="sweep">
      <figcaption>
        <h3>
          {SWEEP.title(head === "λ" ? head : head.toLowerCase())}
          {title !== "" && <span className={text.sub}>{title}</span>}
        </h3>
        <Legend lines={shown.length > 0 ? shown : LINES.slice(0, 2)} />
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={describe(head, labels, curves)}>
        {PERCENTS.map((percent) => (
          <g key={percent}>
            <line x1={FRAME.left} x2={WIDTH - FRAME.right} y1={yOf(percent)} y2={yOf(percent)} className={css.grid} />
            <text x={FRAME.left - 7} y={yOf(percent) + 3.5} textAnchor="end" className={css.tick}>
              {percent}
            </text>
          </g>
        ))}
        {labels.map((label, i) => (
          <text key={label} x={xOf(i)} y={HEIGHT - FRAME.bottom + 18} textAnchor="middle" className={css.tick}>
            {label}
          </text>
        ))}
        <text x={(WIDTH + FRAME.left) / 2} y={HEIGHT - 6} textAnchor="middle" className={css.tick}>
          {head}
        </text>
        {curves.map(({ line, points }, index) => (
          <Curve key={line.name} line={line} points={points} x={(i) => xOf(i) + 5 * (index - (shown.length - 1) / 2)} />
        ))}
      </svg>
    </figure>
  );
}

function Legend({ lines }: { readonly lines: readonly Line[] }): JSX.Element {
  return (
    <span className={css.legend}>
      {lines.map(({ name, color, dash }) => (
        <span key={name}>
          <span
            className={text.swatch}
            style={{ borderColor: `var(${color})`, ...(dash === undefined ? {} : { borderTopStyle: "dashed" }) }}
          />
          {SWEEP.curves[name]}
        </span>
      ))}
    </span>
  );
}

interface Point {
  /** Index on the axis. */
  readonly at: number;
  readonly mean: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** One value per seed. */
  readonly values: readonly number[];
}

function pointsOf(
  labels: readonly string[],
  rows: readonly TableRow[],
  axis: string,
  name: FigureName,
): readonly Point[] {
  return labels.flatMap((label, at) => {
    const figure = rows.find((row) => row.labels[axis] === label)?.figures[name] ?? null;
    return figure === null
      ? []
      : [{ at, mean: figure.after.mean, interval: figure.pooled?.ci95 ?? null, values: figure.values }];
  });
}

interface CurveProps {
  readonly line: Line;
  readonly points: readonly Point[];
  readonly x: (at: number) => number;
}

function Curve({ line: { name, color, dash }, points, x }: CurveProps): JSX.Element {
  const stroke = `var(${color})`;
  return (
    <g>
      <polyline
        points={points.map(({ at, mean }) => `${x(at)},${yOf(mean)}`).join(" ")}
        fill="none"
        stroke={stroke}
        strokeWidth={1.6}
        {...(dash === undefined ? {} : { strokeDasharray: dash })}
      />
      {points.map((point) => (
        <g key={point.at}>
          {point.interval !== null && (
            <line
              x1={x(point.at)}
              x2={x(point.at)}
              y1={yOf(point.interval.low)}
              y2={yOf(point.interval.high)}
              stroke={stroke}
              strokeWidth={1.5}
              opacity={0.55}
            />
          )}
          {point.values.length > 1 &&
            point.values.map((value, seed) => (
              <circle key={seed} cx={x(point.at)} cy={yOf(value)} r={1.8} fill={stroke} opacity={0.6} />
            ))}
          <circle cx={x(point.at)} cy={yOf(point.mean)} r={4} fill={stroke}>
            <title>{pointText(SWEEP.curves[name], point)}</title>
          </circle>
        </g>
      ))}
    </g>
  );
}

function pointText(curve: string, { mean, interval, values }: Point): string {
  const seeds = SWEEP.seeds(values.map((value) => value.toFixed(0)).join(", "));
  const range = interval === null ? "" : SWEEP.interval(interval.low.toFixed(1), interval.high.toFixed(1));
  return `${SWEEP.mean(curve, mean.toFixed(1))}${range}${seeds}`;
}

function describe(
  axis: string,
  labels: readonly string[],
  curves: readonly { readonly line: Line; readonly points: readonly Point[] }[],
): string {
  return SWEEP.label(
    axis,
    curves.map(({ line, points }) =>
      SWEEP.curve(
        SWEEP.curves[line.name],
        points.map(({ at, mean }) => SWEEP.point(mean.toFixed(0), labels[at] ?? "")),
      ),
    ),
  );
}
