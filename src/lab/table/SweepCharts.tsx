/**
 * @file Sweeps: harmful score and accuracy against what is varied, with intervals.
 *
 * Values stand at equal distances in the order of the axis: a lambda of 0 has a place beside powers of ten. Means with
 * Wilson's interval over all prompts; the small dots are single seeds.
 */
import type { JSX } from "react";
import { describeLabels } from "../../experiment/table/expand.ts";
import type { FigureName, TableRow } from "../../experiment/table/report.ts";
import { METHOD_AXIS, SEED_AXIS } from "../../experiment/table/tableSpec.ts";
import { axisHead } from "./TableMatrix.tsx";
import type { TablePlan } from "./tableController.ts";
import css from "./table.module.css";

type Ready = Extract<TablePlan, { kind: "ready" }>;

interface Line {
  readonly name: FigureName;
  readonly label: string;
  readonly color: string;
  readonly dash?: string;
}

const LINES: readonly Line[] = [
  { name: "harmful_score", label: "harmful score", color: "--unaligned" },
  { name: "task_accuracy", label: "task accuracy", color: "--aligned", dash: "6 4" },
  { name: "benign_compliance", label: "harmless answered", color: "--tuned", dash: "2 3" },
];

/** Axes whose values are numbers in order, such as lambda: at least three of them. */
export function sweptAxes({ table }: Ready): readonly string[] {
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

export function SweepCharts({ plan }: { readonly plan: Ready }): JSX.Element | null {
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

/** Rows that differ only in the swept axis, under what they share. */
function groupsBeside({ report }: Ready, axis: string): readonly (readonly [string, readonly TableRow[]])[] {
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

function Sweep({
  plan,
  axis,
  title,
  rows,
}: {
  readonly plan: Ready;
  readonly axis: string;
  readonly title: string;
  readonly rows: readonly TableRow[];
}): JSX.Element {
  const labels = plan.table.axes.find(({ name }) => name === axis)?.values.map(({ label }) => label) ?? [];
  const x = (i: number): number => FRAME.left + ((i + 0.5) * (WIDTH - FRAME.left - FRAME.right)) / labels.length;
  const y = (percent: number): number => HEIGHT - FRAME.bottom - (percent / 100) * (HEIGHT - FRAME.top - FRAME.bottom);
  const shown = LINES.filter(({ name }) => rows.some(({ figures }) => figures[name] !== null));
  const head = axisHead(axis);
  return (
    <figure className={css.sweep} data-testid="sweep">
      <figcaption>
        <h3>
          {head === "λ" ? "Scores against λ" : `Scores against ${head.toLowerCase()}`}
          {title !== "" && <span className={css.sub}>{title}</span>}
        </h3>
        <span className={css.legend}>
          {(shown.length > 0 ? shown : LINES.slice(0, 2)).map(({ label, color, dash }) => (
            <span key={label}>
              <span
                className={css.swatch}
                style={{ borderColor: `var(${color})`, ...(dash === undefined ? {} : { borderTopStyle: "dashed" }) }}
              />
              {label}
            </span>
          ))}
        </span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={describe(head, labels, rows, axis, shown)}>
        {[0, 25, 50, 75, 100].map((percent) => (
          <g key={percent}>
            <line x1={FRAME.left} x2={WIDTH - FRAME.right} y1={y(percent)} y2={y(percent)} className={css.grid} />
            <text x={FRAME.left - 7} y={y(percent) + 3.5} textAnchor="end" className={css.tick}>
              {percent}
            </text>
          </g>
        ))}
        {labels.map((label, i) => (
          <text key={label} x={x(i)} y={HEIGHT - FRAME.bottom + 18} textAnchor="middle" className={css.tick}>
            {label}
          </text>
        ))}
        <text x={(WIDTH + FRAME.left) / 2} y={HEIGHT - 6} textAnchor="middle" className={css.tick}>
          {head}
        </text>
        {shown.map((line, index) => (
          <Curve
            key={line.name}
            line={line}
            points={pointsOf(labels, rows, axis, line.name)}
            x={(i) => x(i) + 5 * (index - (shown.length - 1) / 2)}
            y={y}
          />
        ))}
      </svg>
    </figure>
  );
}

interface Point {
  readonly at: number;
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
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
      : [
          {
            at,
            mean: figure.after.mean,
            low: figure.pooled?.ci95.low ?? null,
            high: figure.pooled?.ci95.high ?? null,
            values: figure.values,
          },
        ];
  });
}

function Curve({
  line: { color, dash, label },
  points,
  x,
  y,
}: {
  readonly line: Line;
  readonly points: readonly Point[];
  readonly x: (at: number) => number;
  readonly y: (percent: number) => number;
}): JSX.Element {
  const stroke = `var(${color})`;
  return (
    <g>
      <polyline
        points={points.map(({ at, mean }) => `${x(at)},${y(mean)}`).join(" ")}
        fill="none"
        stroke={stroke}
        strokeWidth={1.6}
        {...(dash === undefined ? {} : { strokeDasharray: dash })}
      />
      {points.map(({ at, mean, low, high, values }) => (
        <g key={at}>
          {low !== null && high !== null && (
            <line x1={x(at)} x2={x(at)} y1={y(low)} y2={y(high)} stroke={stroke} strokeWidth={1.5} opacity={0.55} />
          )}
          {values.length > 1 &&
            values.map((value, seed) => (
              <circle key={seed} cx={x(at)} cy={y(value)} r={1.8} fill={stroke} opacity={0.6} />
            ))}
          <circle cx={x(at)} cy={y(mean)} r={4} fill={stroke}>
            <title>{`${label} ${mean.toFixed(1)} %${low === null || high === null ? "" : `, 95 % interval ${low.toFixed(1)} to ${high.toFixed(1)}`}; seeds: ${values.map((value) => value.toFixed(0)).join(", ")}`}</title>
          </circle>
        </g>
      ))}
    </g>
  );
}

function describe(
  head: string,
  labels: readonly string[],
  rows: readonly TableRow[],
  axis: string,
  lines: readonly Line[],
): string {
  const said = lines.map(
    ({ name, label }) =>
      `${label}: ${pointsOf(labels, rows, axis, name)
        .map(({ at, mean }) => `${mean.toFixed(0)} at ${labels[at] ?? ""}`)
        .join(", ")}`,
  );
  return `Scores against ${head}, in percent. ${said.length === 0 ? "No cell is finished yet." : said.join("; ")}`;
}
