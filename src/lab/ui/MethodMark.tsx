/** @file The sign of a method: a colour and a shape of its own, so that no one needs to tell colours apart. */
import type { JSX } from "react";
import type { MethodSpec } from "../../experiment/spec/spec.ts";
import type { MarkShape } from "../../methods/description.ts";
import { bindMethod } from "../../methods/registry.ts";

/** Outlines around (0, 0) that fill about the same area; scaled by the radius. */
const OUTLINES: Readonly<Record<Exclude<MarkShape, "circle">, readonly (readonly [x: number, y: number])[]>> = {
  square: [
    [-0.88, -0.88],
    [0.88, -0.88],
    [0.88, 0.88],
    [-0.88, 0.88],
  ],
  diamond: [
    [0, -1.25],
    [1.25, 0],
    [0, 1.25],
    [-1.25, 0],
  ],
  up: [
    [0, -1.2],
    [1.2, 0.95],
    [-1.2, 0.95],
  ],
  down: [
    [0, 1.2],
    [1.2, -0.95],
    [-1.2, -0.95],
  ],
  plus: [
    [-0.42, -1.2],
    [0.42, -1.2],
    [0.42, -0.42],
    [1.2, -0.42],
    [1.2, 0.42],
    [0.42, 0.42],
    [0.42, 1.2],
    [-0.42, 1.2],
    [-0.42, 0.42],
    [-1.2, 0.42],
    [-1.2, -0.42],
    [-0.42, -0.42],
  ],
  cross: turned([
    [-0.42, -1.25],
    [0.42, -1.25],
    [0.42, -0.42],
    [1.25, -0.42],
    [1.25, 0.42],
    [0.42, 0.42],
    [0.42, 1.25],
    [-0.42, 1.25],
    [-0.42, 0.42],
    [-1.25, 0.42],
    [-1.25, -0.42],
    [-0.42, -0.42],
  ]),
  star: Array.from({ length: 10 }, (_, i) => {
    const [angle, radius] = [(Math.PI * i) / 5 - Math.PI / 2, i % 2 === 0 ? 1.4 : 0.66];
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  }),
};

/** By an eighth of a turn. */
function turned(points: readonly (readonly [x: number, y: number])[]): readonly (readonly [x: number, y: number])[] {
  return points.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);
}

/** The sign at (0, 0) of an SVG, in the method's colour. */
export function MethodShapeMark({
  method,
  radius,
}: {
  readonly method: MethodSpec;
  readonly radius: number;
}): JSX.Element {
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

/** The sign in a line of text. */
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
