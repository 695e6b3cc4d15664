/**
 * @file The anchored penalty ‖(I − C) X‖_F² of one small matrix, by projector: what src/methods/anchored/penalty.ts
 * does on the GPU in thin products, here as the formula says it.
 *
 *     published   C = V Vᵀ / ‖V‖_F                 the released code of AsFT; no projector
 *     exact       C = U_k U_kᵀ                     first k left singular vectors of V
 *     flat        C X = ⟨X, V⟩ / ‖V‖_F² · V        V as one long vector
 *     one-sided   C X = max(⟨X, V⟩, 0) / ‖V‖_F² · V
 *     none        C = 0                            plain L2
 */
import {
  add,
  build,
  firstColumns,
  inner,
  multiply,
  norm,
  scale,
  shape,
  singular,
  transpose,
  type Matrix,
} from "./matrix.ts";

export type Anchor =
  | { readonly kind: "published" }
  | { readonly kind: "exact"; readonly rank: number }
  | { readonly kind: "flat" }
  | { readonly kind: "one-sided" }
  | { readonly kind: "none" };

export interface Split {
  /** C X */
  readonly along: Matrix;
  /** (I − C) X */
  readonly outside: Matrix;
  /** ‖(I − C) X‖_F² */
  readonly penalty: number;
}

/** @param v the alignment direction, as wide and high as `x`. Where it is zero nothing is free, as with "none". */
export function split(x: Matrix, v: Matrix, anchor: Anchor): Split {
  const along = anchored(x, v, anchor);
  const outside = add(x, along, -1);
  return { along, outside, penalty: inner(outside, outside) };
}

function anchored(x: Matrix, v: Matrix, anchor: Anchor): Matrix {
  const length = norm(v);
  if (length === 0) return scale(x, 0);
  switch (anchor.kind) {
    case "published":
      return scale(multiply(v, multiply(transpose(v), x)), 1 / length);
    case "exact": {
      const { left, rank } = singular(v);
      const basis = firstColumns(left, Math.min(rank, anchor.rank));
      if (anchor.rank === 0) return scale(x, 0);
      return multiply(basis, multiply(transpose(basis), x));
    }
    case "flat":
      return scale(v, inner(x, v) / length ** 2);
    case "one-sided":
      return scale(v, Math.max(0, inner(x, v)) / length ** 2);
    case "none":
      return scale(x, 0);
  }
}

/** Eigenvalues s_i² / ‖V‖_F of the published C, descending: a projector's would be 0 or 1. */
export function publishedEigenvalues(v: Matrix): readonly number[] {
  const length = norm(v);
  return singular(v).values.map((value) => (length === 0 ? 0 : value ** 2 / length));
}

/** A point or arrow of the plane, seen as a matrix with one column. */
export type Point = readonly [x: number, y: number];

export const column = ([x, y]: Point): Matrix => [[x], [y]];

export function point(m: Matrix): Point {
  return [m[0]?.[0] ?? 0, m[1]?.[0] ?? 0];
}

/**
 * Where ‖(I − C) x‖² = level, as points around the origin. The penalty grows with the square of the distance in every
 * direction, so each ray meets the curve once, at √(level / penalty of the unit vector), or never where moving is free.
 * @param reach how far a free ray is drawn
 */
export function levelCurve(v: Point, anchor: Anchor, level: number, reach: number, rays = 360): readonly Point[] {
  return Array.from({ length: rays }, (_, index): Point => {
    const angle = (2 * Math.PI * index) / rays;
    const unit: Point = [Math.cos(angle), Math.sin(angle)];
    const { penalty } = split(column(unit), column(v), anchor);
    const distance = penalty * reach * reach <= level ? reach : Math.sqrt(level / penalty);
    return [unit[0] * distance, unit[1] * distance];
  });
}

/**
 * Where training would rest that pulls the update towards `pull`: the minimum of ½‖x − pull‖² + lambda ‖(I − C) x‖².
 * In the axes along and across v every C here is a number w, and x = pull / (1 + 2 lambda (1 − w)²) in each.
 */
export function restingPoint(pull: Point, v: Point, anchor: Anchor, lambda: number): Point {
  const length = Math.hypot(...v);
  const unit: Point = length === 0 ? [1, 0] : [v[0] / length, v[1] / length];
  const parts: readonly Point[] = [unit, [-unit[1], unit[0]]];
  return parts.reduce<Point>(
    (sum, axis) => {
      const size = pull[0] * axis[0] + pull[1] * axis[1];
      // Where it comes to rest lies on the same side as the pull, so the pull's sign decides a one-sided form.
      const side = size < 0 ? -1 : 1;
      const { penalty } = split(column([side * axis[0], side * axis[1]]), column(v), anchor);
      const rest = size / (1 + 2 * lambda * penalty);
      return [sum[0] + rest * axis[0], sum[1] + rest * axis[1]];
    },
    [0, 0],
  );
}

/** The first k singular parts of `m` put together again. */
export function truncated(m: Matrix, k: number): Matrix {
  const { values, left, right } = singular(m);
  const { rows, columns } = shape(m);
  return build(rows, columns, (i, j) =>
    values.slice(0, k).reduce((sum, value, at) => sum + value * (left[i]?.[at] ?? 0) * (right[j]?.[at] ?? 0), 0),
  );
}
