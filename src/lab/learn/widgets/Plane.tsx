/**
 * @file A plane with arrows whose heads can be moved by mouse, by touch, and by the arrow keys (with Shift in larger
 * steps).
 *
 * Coordinates are mathematical (y upwards), within `REACH` of the origin.
 */
import { useRef, type JSX, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";
import type { Point } from "../maths/anchored.ts";
import css from "./widgets.module.css";

/** Half of the plane's side, in its units. */
export const REACH = 2;
const PIXELS = 400;
const UNIT = PIXELS / (2 * REACH);
const STEP = 0.05;
const BIG_STEP = 0.25;

const toX = (x: number): number => PIXELS / 2 + UNIT * x;
const toY = (y: number): number => PIXELS / 2 - UNIT * y;
const within = (value: number): number => Math.round(100 * Math.min(REACH, Math.max(-REACH, value))) / 100;

export interface PlaneProps {
  /** Accessible name: what the picture shows. The values are shown beside it as text. */
  readonly label: string;
  /** Drawn in order; handles last, so that they stay on top. */
  readonly children: ReactNode;
}

export function Plane({ label, children }: PlaneProps): JSX.Element {
  return (
    <svg className={css.plane} viewBox={`0 0 ${PIXELS} ${PIXELS}`} role="group" aria-label={label}>
      {[-1.5, -1, -0.5, 0.5, 1, 1.5].map((at) => (
        <g key={at} className={css.grid} aria-hidden="true">
          <line x1={toX(at)} x2={toX(at)} y1={0} y2={PIXELS} />
          <line x1={0} x2={PIXELS} y1={toY(at)} y2={toY(at)} />
        </g>
      ))}
      <g className={css.axes} aria-hidden="true">
        <line x1={0} x2={PIXELS} y1={toY(0)} y2={toY(0)} />
        <line x1={toX(0)} x2={toX(0)} y1={0} y2={PIXELS} />
      </g>
      {children}
    </svg>
  );
}

export interface ArrowProps {
  readonly from?: Point;
  readonly to: Point;
  /** A CSS colour. */
  readonly color: string;
  readonly dashed?: boolean;
  /** Written beside the head. */
  readonly name?: string;
}

export function Arrow({ from = [0, 0], to, color, dashed = false, name }: ArrowProps): JSX.Element | null {
  const [dx, dy] = [UNIT * (to[0] - from[0]), UNIT * (to[1] - from[1])];
  const length = Math.hypot(dx, dy);
  if (length < 2) return null;
  const [ux, uy] = [dx / length, -dy / length];
  const [x, y] = [toX(to[0]), toY(to[1])];
  const head = Math.min(11, length);
  const corner = (side: number): string => `${x - head * ux - side * 4.5 * uy},${y - head * uy + side * 4.5 * ux}`;
  return (
    <g aria-hidden="true">
      <line
        x1={toX(from[0])}
        y1={toY(from[1])}
        x2={x - head * 0.8 * ux}
        y2={y - head * 0.8 * uy}
        stroke={color}
        strokeWidth={2.5}
        strokeDasharray={dashed ? "5 4" : undefined}
      />
      <polygon points={`${x},${y} ${corner(1)} ${corner(-1)}`} fill={color} />
      {name !== undefined && (
        <text
          x={clampText(x + 16 * ux)}
          y={clampText(y + 16 * uy + 5)}
          fill={color}
          className={css.name}
          textAnchor={ux < -0.3 ? "end" : ux > 0.3 ? "start" : "middle"}
        >
          {name}
        </text>
      )}
    </g>
  );
}

const clampText = (at: number): number => Math.min(PIXELS - 12, Math.max(14, at));

/** The line through the origin along `direction`; only its positive half if asked. */
export function Line({
  direction,
  half = false,
  color,
}: {
  readonly direction: Point;
  readonly half?: boolean;
  readonly color: string;
}): JSX.Element | null {
  const length = Math.hypot(...direction);
  if (length === 0) return null;
  const far = (3 * REACH) / length;
  const [x, y] = [direction[0] * far, direction[1] * far];
  const start: Point = half ? [0, 0] : [-x, -y];
  return (
    <line
      aria-hidden="true"
      x1={toX(start[0])}
      y1={toY(start[1])}
      x2={toX(x)}
      y2={toY(y)}
      stroke={color}
      strokeWidth={9}
      strokeOpacity={0.16}
    />
  );
}

export function Curve({
  points,
  color,
  strength = 0.5,
}: {
  readonly points: readonly Point[];
  readonly color: string;
  readonly strength?: number;
}): JSX.Element {
  return (
    <polygon
      aria-hidden="true"
      points={points.map(([x, y]) => `${toX(x)},${toY(y)}`).join(" ")}
      fill="none"
      stroke={color}
      strokeWidth={1.2}
      strokeOpacity={strength}
    />
  );
}

export function Dot({ at, color }: { readonly at: Point; readonly color: string }): JSX.Element {
  return (
    <circle
      aria-hidden="true"
      cx={toX(at[0])}
      cy={toY(at[1])}
      r={6}
      fill={color}
      stroke="var(--panel)"
      strokeWidth={1.5}
    />
  );
}

export interface HandleProps {
  readonly name: string;
  readonly at: Point;
  readonly color: string;
  readonly onMove: (to: Point) => void;
}

export function Handle({ name, at, color, onMove }: HandleProps): JSX.Element {
  const grip = useRef<SVGGElement>(null);
  const follow = ({ clientX, clientY, pointerId }: PointerEvent): void => {
    const box = grip.current?.ownerSVGElement?.getBoundingClientRect();
    if (box === undefined || grip.current?.hasPointerCapture(pointerId) !== true) return;
    const side = box.width / (2 * REACH);
    onMove([within((clientX - box.left) / side - REACH), within(REACH - (clientY - box.top) / side)]);
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = event.shiftKey ? BIG_STEP : STEP;
    const move = MOVES[event.key];
    if (move === undefined) return;
    event.preventDefault();
    onMove([within(at[0] + step * move[0]), within(at[1] + step * move[1])]);
  };
  return (
    <g
      ref={grip}
      className={css.handle}
      tabIndex={0}
      role="slider"
      aria-label={name}
      aria-valuemin={0}
      aria-valuemax={3}
      aria-valuenow={Number(Math.hypot(...at).toFixed(2))}
      aria-valuetext={`x ${at[0].toFixed(2)}, y ${at[1].toFixed(2)}`}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.focus({ preventScroll: true });
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={follow}
      onKeyDown={onKey}
    >
      <circle cx={toX(at[0])} cy={toY(at[1])} r={22} fill="transparent" />
      <circle
        className={css.grip}
        cx={toX(at[0])}
        cy={toY(at[1])}
        r={9}
        fill={color}
        fillOpacity={0.25}
        stroke={color}
        strokeWidth={2}
      />
    </g>
  );
}

const MOVES: Readonly<Record<string, Point | undefined>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
