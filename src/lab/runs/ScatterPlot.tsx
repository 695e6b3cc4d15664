/**
 * @file The scatter plot of runs: points with their intervals, and the Pareto front.
 *
 *     accuracy  100 |  ■────────────●┐         up and left is better; the line is the Pareto front
 *                   |  ┆            ┆│
 *                 0 |__┆____________┆│____
 *                   0    harmful score   100
 *
 * A click or Enter selects a run, as its box in the table does. One point is a tab stop; arrow keys move to the others.
 */
import { useMemo, useRef, useState, type JSX, type KeyboardEvent } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { LastInput, type PointerPlace } from "../ui/lastInput.ts";
import { MethodShapeMark } from "../ui/MethodMark.tsx";
import { SCATTER } from "./copy.ts";
import { MAX_SELECTED } from "./runsStore.ts";
import css from "./scatter.module.css";
import { countByPosition, describePoint, type ScatterPoint } from "./scatterPoints.ts";

const [WIDTH, HEIGHT] = [560, 400];
const FRAME = { left: 42, right: 16, top: 14, bottom: 44 };
/** Percent; beyond 0 and 100, so that points at the ends are not cut. */
const [LOW, HIGH] = [-3, 103];
const x = (harmful: number): number =>
  FRAME.left + ((harmful - LOW) / (HIGH - LOW)) * (WIDTH - FRAME.left - FRAME.right);
const y = (accuracy: number): number =>
  HEIGHT - FRAME.bottom - ((accuracy - LOW) / (HIGH - LOW)) * (HEIGHT - FRAME.top - FRAME.bottom);

interface ScatterPlotProps {
  readonly points: readonly ScatterPoint[];
  readonly front: readonly ScatterPoint[];
  readonly hovered: string | null;
  readonly onHover: (runId: string | null) => void;
}

export function ScatterPlot({ points, front, hovered, onHover }: ScatterPlotProps): JSX.Element {
  const toggle = useRuns((state) => state.toggleSelected);
  const [stop, setStop] = useState(0);
  const [input] = useState(() => new LastInput());
  const host = useRef<SVGSVGElement>(null);
  const at = Math.min(stop, points.length - 1);
  const counts = useMemo(() => countByPosition(points), [points]);
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
      aria-label={SCATTER.label}
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
      {points.map((point, index) => (
        <PointMark
          key={point.run.runId}
          point={point}
          front={front}
          tabIndex={index === at ? 0 : -1}
          count={isFirstAtPosition(points, index) ? (counts.get(`${point.harmful} ${point.accuracy}`) ?? 1) : 1}
          onSelect={() => {
            setStop(index);
            toggle(point.run.runId);
          }}
          onFocused={(runId) => {
            input.keys(runId !== null);
            onHover(runId);
          }}
          onPointed={(runId, where) => input.pointer(where) && onHover(runId)}
        />
      ))}
    </svg>
  );
}

interface PointMarkProps extends Pick<ScatterPlotProps, "front"> {
  readonly point: ScatterPoint;
  readonly tabIndex: number;
  /** Runs at this position; written beside the first of them. */
  readonly count: number;
  readonly onSelect: () => void;
  readonly onFocused: (runId: string | null) => void;
  readonly onPointed: (runId: string | null, where: PointerPlace) => void;
}

function PointMark({ point, front, tabIndex, count, onSelect, onFocused, onPointed }: PointMarkProps): JSX.Element {
  const selected = useRuns((state) => state.selected.has(point.run.runId));
  const full = useRuns((state) => state.selected.size >= MAX_SELECTED);
  const { run, harmful, accuracy } = point;
  return (
    <g
      role="option"
      aria-selected={selected}
      aria-label={describePoint(point, front) + (full && !selected ? SCATTER.full(MAX_SELECTED) : "")}
      tabIndex={tabIndex}
      className={css.point}
      onClick={onSelect}
      onFocus={() => onFocused(run.runId)}
      onBlur={() => onFocused(null)}
      onPointerEnter={(event) => onPointed(run.runId, event)}
      onPointerLeave={(event) => onPointed(null, event)}
    >
      <g transform={`translate(${x(harmful)} ${y(accuracy)})`}>
        <circle r={14} fill="transparent" />
        <circle r={11} className={css.ring} data-selected={selected} />
        <MethodShapeMark method={run.spec.method} radius={6} />
        {count > 1 && (
          <text x={13} y={-9} className={css.count}>
            ×{count}
          </text>
        )}
      </g>
    </g>
  );
}

function isFirstAtPosition(points: readonly ScatterPoint[], index: number): boolean {
  const point = points[index];
  return points.findIndex((one) => one.harmful === point?.harmful && one.accuracy === point.accuracy) === index;
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
        {SCATTER.xAxis}
      </text>
      <text transform={`translate(11 ${y(50)}) rotate(-90)`} textAnchor="middle" className={css.axisName}>
        {SCATTER.yAxis}
      </text>
    </g>
  );
}

/** The boundary of the dominated area: up to each point, then right to the next. */
function staircase(front: readonly ScatterPoint[]): string {
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
