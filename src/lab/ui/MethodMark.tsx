/** @file The mark of a method: its own colour and shape, so that it can be recognised without colours. */
import type { JSX } from "react";
import type { MethodSpec } from "../../experiment/spec/spec.ts";
import type { MarkShape } from "../../methods/description.ts";
import { bindMethod } from "../../methods/registry.ts";

type Point = readonly [x: number, y: number];

/** Outlines around (0, 0) with about the same area; scaled by the radius. */
const OUTLINES: Readonly<Record<Exclude<MarkShape, "circle">, readonly Point[]>> = {
  square: fourfold([[0.88, -0.88]]),
  diamond: fourfold([[0, -1.25]]),
  up: triangle(1),
  down: triangle(-1),
  plus: plus(1.2),
  cross: plus(1.25).map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]),
  star: Array.from({ length: 10 }, (_, i) => {
    const [angle, radius] = [(Math.PI * i) / 5 - Math.PI / 2, i % 2 === 0 ? 1.4 : 0.66];
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  }),
  hourglass: [
    [-1.1, -1.1],
    [1.1, -1.1],
    [0.35, 0],
    [1.1, 1.1],
    [-1.1, 1.1],
    [-0.35, 0],
  ],
  chevron: [
    [-1.3, -1],
    [0, -0.1],
    [1.3, -1],
    [1.3, 0.2],
    [0, 1.2],
    [-1.3, 0.2],
  ],
};

/** A quarter of an outline, repeated at quarter turns. */
function fourfold(quarter: readonly Point[]): Point[] {
  const turn = ([x, y]: Point, turns: number): Point => (turns === 0 ? [x, y] : turn([-y, x], turns - 1));
  return [0, 1, 2, 3].flatMap((turns) => quarter.map((point) => turn(point, turns)));
}

function plus(length: number): Point[] {
  return fourfold([
    [0.42, -length],
    [0.42, -0.42],
    [length, -0.42],
  ]);
}

/** @param up 1 points up, -1 down */
function triangle(up: 1 | -1): Point[] {
  return [
    [0, -1.2 * up],
    [1.2, 0.95 * up],
    [-1.2, 0.95 * up],
  ];
}

interface MethodShapeMarkProps {
  readonly method: MethodSpec;
  readonly radius: number;
}

/** The mark at (0, 0) of an SVG, in the method's colour. */
export function MethodShapeMark({ method, radius }: MethodShapeMarkProps): JSX.Element {
  const { shape, id } = bindMethod(method).mark;
  const fill = `var(--${id})`;
  if (shape === "circle") return <circle r={radius} fill={fill} />;
  return (
    <polygon
      points={OUTLINES[shape].map(([x, y]) => `${(x * radius).toFixed(2)},${(y * radius).toFixed(2)}`).join(" ")}
      fill={fill}
    />
  );
}

/** The mark in a line of text. */
export function MethodMark({ method }: { readonly method: MethodSpec }): JSX.Element {
  return (
    <svg
      width="1em"
      height="1em"
      viewBox="-8 -8 16 16"
      aria-hidden="true"
      focusable="false"
      style={{ flex: "none", fontSize: "0.95rem" }}
    >
      <MethodShapeMark method={method} radius={5.4} />
    </svg>
  );
}
