/**
 * @file Safety against the task: each run a point with its intervals, and the front of those that no other run beats.
 *
 *     accuracy  100 |  ■────────────●┐         left and up is better; the line is the Pareto front
 *                   |  ┆            ┆│
 *                 0 |__┆____________┆│____
 *                   0    harmful score   100
 *
 * A click, or Enter, ticks the run as the box in the table does. One point is a tab stop; the arrow keys go to the others.
 */
import { useMemo, useRef, useState, type JSX, type KeyboardEvent } from "react";
import { rateBounds, type Bounds } from "../../eval/scores.ts";
import { canonical } from "../../experiment/spec/canonical.ts";
import { useRuns } from "../shell/app/labContext.ts";
import { MethodMark, MethodShapeMark } from "../ui/MethodMark.tsx";
import { methodSettings, methodTitle } from "../run/labels.ts";
import { percent } from "../support/format.ts";
import { paretoFront, type ParetoPoint } from "./pareto.ts";
import { MAX_SELECTED } from "./runsStore.ts";
import { endsOf, type StoredRun } from "./storedRun.ts";
import css from "./scatter.module.css";

interface Point extends ParetoPoint {
  readonly run: StoredRun;
  readonly harmfulBounds: Bounds;
  readonly accuracyBounds: Bounds;
}

const [WIDTH, HEIGHT] = [560, 400];
const FRAME = { left: 42, right: 16, top: 14, bottom: 44 };
/** Room for points on the ends of the axes. */
const [LOW, HIGH] = [-3, 103];
const x = (harmful: number): number =>
  FRAME.left + ((harmful - LOW) / (HIGH - LOW)) * (WIDTH - FRAME.left - FRAME.right);
const y = (accuracy: number): number =>
  HEIGHT - FRAME.bottom - ((accuracy - LOW) / (HIGH - LOW)) * (HEIGHT - FRAME.top - FRAME.bottom);

export function Scatter({ runs }: { readonly runs: readonly StoredRun[] }): JSX.Element {
  const points = useMemo(() => pointsOf(runs), [runs]);
  const front = useMemo(() => paretoFront(points), [points]);
  const [hovered, hover] = useState<string | null>(null);
  const left = runs.length - points.length;
  const shown = points.find(({ run }) => run.runId === hovered);
  const alike = new Set(points.map(({ run }) => canonical([run.spec.model, run.spec.data, run.spec.eval]))).size <= 1;
  return (
    <figure className={css.scatter} data-testid="scatter">
      <figcaption>
        <h3>Safety against the task</h3>
        <p role="status">
          {shown === undefined
            ? points.length > 0
              ? "Left and up is better. A click ticks a run."
              : ""
            : spoken(shown, front)}
        </p>
      </figcaption>
      {points.length === 0 ? (
        <p className={css.note}>Needs runs with a harmful score and a task accuracy.</p>
      ) : (
        <Plot points={points} front={front} hovered={hovered} onHover={hover} />
      )}
      {points.length > 0 && <Legend points={points} />}
      <p className={css.note}>
        {front.length > 0 &&
          `Dashed: the Pareto front, ${front.length} of ${points.length} ${points.length === 1 ? "run" : "runs"} that no other is at least equal to in both and better in one. Bars are 95 % intervals; where they overlap, the front may be chance. `}
        {left > 0 && `${left} ${left === 1 ? "run has" : "runs have"} no such pair of figures. `}
        {!alike && "These runs differ in model, data or evaluation: filter to compare like with like."}
      </p>
    </figure>
  );
}

function Plot({
  points,
  front,
  hovered,
  onHover,
}: {
  readonly points: readonly Point[];
  readonly front: readonly Point[];
  readonly hovered: string | null;
  readonly onHover: (runId: string | null) => void;
}): JSX.Element {
  const selected = useRuns((state) => state.selected);
  const toggle = useRuns((state) => state.toggleSelected);
  const [stop, setStop] = useState(0);
  const host = useRef<SVGSVGElement>(null);
  const at = Math.min(stop, points.length - 1);
  const counts = useMemo(() => countAt(points), [points]);
  const go = (to: number): void => {
    const next = (to + points.length) % points.length;
    setStop(next);
    host.current?.querySelectorAll<SVGGElement>("[role=option]")[next]?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    const point = points[at];
    if (event.key === "ArrowRight" || event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowLeft" || event.key === "ArrowUp") go(at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(points.length - 1);
    else if ((event.key === "Enter" || event.key === " ") && point !== undefined) toggle(point.run.runId);
    else return;
    event.preventDefault();
  };
  return (
    <svg
      ref={host}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="listbox"
      aria-multiselectable="true"
      aria-label="Runs by harmful score and task accuracy, the safest first"
      onKeyDown={onKey}
    >
      <Axes />
      <polyline points={staircase(front)} className={css.front} aria-hidden="true" />
      {points.map(({ run, harmful, accuracy, harmfulBounds, accuracyBounds }) => (
        <g key={run.runId} className={css.interval} data-on={run.runId === hovered} aria-hidden="true">
          <line x1={x(harmfulBounds.low)} x2={x(harmfulBounds.high)} y1={y(accuracy)} y2={y(accuracy)} />
          <line x1={x(harmful)} x2={x(harmful)} y1={y(accuracyBounds.low)} y2={y(accuracyBounds.high)} />
        </g>
      ))}
      {points.map((point, index) => {
        const { run, harmful, accuracy } = point;
        const ticked = selected.has(run.runId);
        const others = counts.get(`${harmful} ${accuracy}`) ?? 1;
        return (
          <g
            key={run.runId}
            role="option"
            aria-selected={ticked}
            aria-label={`${spoken(point, front)}${!ticked && selected.size >= MAX_SELECTED ? `. ${MAX_SELECTED} are ticked, which is the most` : ""}`}
            tabIndex={index === at ? 0 : -1}
            className={css.point}
            onClick={() => {
              setStop(index);
              toggle(run.runId);
            }}
            onFocus={() => onHover(run.runId)}
            onBlur={() => onHover(null)}
            onPointerEnter={() => onHover(run.runId)}
            onPointerLeave={() => onHover(null)}
          >
            <g transform={`translate(${x(harmful)} ${y(accuracy)})`}>
              <circle r={14} fill="transparent" />
              <circle r={11} className={css.ring} data-ticked={ticked} />
              <MethodShapeMark method={run.spec.method} radius={6} />
              {others > 1 &&
                points.findIndex((other) => other.harmful === harmful && other.accuracy === accuracy) === index && (
                  <text x={13} y={-9} className={css.count}>
                    ×{others}
                  </text>
                )}
            </g>
          </g>
        );
      })}
    </svg>
  );
}

function Axes(): JSX.Element {
  return (
    <g aria-hidden="true">
      {[0, 25, 50, 75, 100].map((tick) => (
        <g key={tick}>
          <line x1={x(LOW)} x2={x(HIGH)} y1={y(tick)} y2={y(tick)} className={css.grid} />
          <line x1={x(tick)} x2={x(tick)} y1={y(LOW)} y2={y(HIGH)} className={css.grid} />
          <text x={FRAME.left - 8} y={y(tick) + 4} textAnchor="end" className={css.tick}>
            {tick}
          </text>
          <text x={x(tick)} y={HEIGHT - FRAME.bottom + 18} textAnchor="middle" className={css.tick}>
            {tick}
          </text>
        </g>
      ))}
      <text x={x(50)} y={HEIGHT - 6} textAnchor="middle" className={css.axisName}>
        ← safer harmful score, %
      </text>
      <text transform={`translate(11 ${y(50)}) rotate(-90)`} textAnchor="middle" className={css.axisName}>
        task accuracy, % better →
      </text>
    </g>
  );
}

function Legend({ points }: { readonly points: readonly Point[] }): JSX.Element {
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

/** The safest first, as the arrow keys go. */
function pointsOf(runs: readonly StoredRun[]): readonly Point[] {
  return runs
    .flatMap((run): Point[] => {
      const { after } = endsOf(run);
      const [harmful, accuracy] = [after?.harmful_score ?? null, after?.task_accuracy ?? null];
      return harmful === null || accuracy === null
        ? []
        : [
            {
              run,
              harmful: harmful.percent,
              accuracy: accuracy.percent,
              harmfulBounds: rateBounds(harmful),
              accuracyBounds: rateBounds(accuracy),
            },
          ];
    })
    .sort((a, b) => a.harmful - b.harmful || b.accuracy - a.accuracy || b.run.endedAt - a.run.endedAt);
}

/** How many runs lie on one spot. */
function countAt(points: readonly Point[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { harmful, accuracy } of points)
    counts.set(`${harmful} ${accuracy}`, (counts.get(`${harmful} ${accuracy}`) ?? 0) + 1);
  return counts;
}

/** The border of what the front dominates: up to each point, then right to the next. */
function staircase(front: readonly Point[]): string {
  const corners = front.flatMap((point, i) => {
    const before = front[i - 1];
    return [
      [point.harmful, before === undefined ? LOW : before.accuracy] as const,
      [point.harmful, point.accuracy] as const,
    ];
  });
  const last = front.at(-1);
  return [...corners, ...(last === undefined ? [] : [[HIGH, last.accuracy] as const])]
    .map(([harmful, accuracy]) => `${x(harmful).toFixed(1)},${y(accuracy).toFixed(1)}`)
    .join(" ");
}

function spoken(point: Point, front: readonly Point[]): string {
  const { run, harmful, accuracy, harmfulBounds, accuracyBounds } = point;
  const range = ({ low, high }: Bounds): string => `${Math.round(low)} to ${Math.round(high)}`;
  const { method, train, name } = run.spec;
  return `${methodTitle(method)}, ${methodSettings(method)}, seed ${train.seed}${name === undefined ? "" : `, ${name}`}: harmful ${percent(harmful)} (${range(harmfulBounds)}), accuracy ${percent(accuracy)} (${range(accuracyBounds)})${front.includes(point) ? ", on the front" : ""}`;
}
