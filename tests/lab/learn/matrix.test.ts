/** @file The widgets' linear algebra and the anchored penalty by projector, against identities of the methods. */
import { describe, expect, it } from "vitest";
import {
  column,
  levelCurve,
  point,
  publishedEigenvalues,
  restingPoint,
  split,
  truncated,
  type Anchor,
  type Point,
} from "../../../src/lab/learn/maths/anchored.ts";
import {
  add,
  build,
  identity,
  inner,
  multiply,
  norm,
  scale,
  singular,
  transpose,
  type Matrix,
} from "../../../src/lab/learn/maths/matrix.ts";

/** Deterministic and of full rank. */
const sample = (rows: number, columns: number, seed: number): Matrix =>
  build(rows, columns, (i, j) => Math.sin(seed + 3.7 * i + 1.9 * j * j + i * j));
const V = sample(3, 4, 0.3);
const X = multiply(sample(3, 1, 1.1), sample(1, 4, 2.2));
const penalty = (x: Matrix, v: Matrix, anchor: Anchor): number => split(x, v, anchor).penalty;
const close = (a: Matrix, b: Matrix): void => expect(norm(add(a, b, -1))).toBeLessThan(1e-10 * (1 + norm(b)));

describe("singular values", () => {
  it("put the matrix together again, wide and tall", () => {
    for (const m of [V, transpose(V), sample(3, 3, 5)]) close(truncated(m, 3), m);
  });

  it("tell the rank", () => {
    expect(singular(X).rank).toBe(1);
    expect(singular(V).rank).toBe(3);
    expect(singular(build(2, 2, () => 0)).rank).toBe(0);
  });

  it("have orthonormal left vectors", () => {
    const { left } = singular(sample(3, 3, 5));
    close(multiply(transpose(left), left), identity(3));
  });
});

describe("the penalty by projector", () => {
  it("is plain L2 without a direction", () => {
    for (const kind of ["none", "flat", "one-sided", "published"] as const)
      expect(penalty(X, scale(V, 0), { kind })).toBeCloseTo(inner(X, X), 12);
    expect(penalty(X, V, { kind: "none" })).toBeCloseTo(inner(X, X), 12);
    expect(penalty(X, V, { kind: "exact", rank: 0 })).toBeCloseTo(inner(X, X), 12);
  });

  it("published is the formula, entry by entry", () => {
    const c = scale(multiply(V, transpose(V)), 1 / norm(V));
    const outside = multiply(add(identity(3), c, -1), X);
    expect(penalty(X, V, { kind: "published" })).toBeCloseTo(inner(outside, outside), 12);
    expect(publishedEigenvalues(V).reduce((sum, value) => sum + value, 0)).toBeCloseTo(norm(V), 10);
  });

  it("flattened is the closed form ‖X‖² − ⟨X, V⟩²/‖V‖²", () => {
    expect(penalty(X, V, { kind: "flat" })).toBeCloseTo(inner(X, X) - inner(X, V) ** 2 / inner(V, V), 12);
  });

  it("exact is empty at full row rank, falls with k, and is idempotent", () => {
    expect(penalty(X, V, { kind: "exact", rank: 3 })).toBeLessThan(1e-20);
    const byRank = [0, 1, 2, 3].map((rank) => penalty(X, V, { kind: "exact", rank }));
    expect(byRank).toEqual([...byRank].sort((a, b) => b - a));
    const once = split(X, V, { kind: "exact", rank: 2 }).along;
    close(split(once, V, { kind: "exact", rank: 2 }).along, once);
  });

  it("exact lets the strongest parts of V be undone for nothing, one-sided charges in full", () => {
    const undo = scale(truncated(V, 2), -1);
    expect(penalty(undo, V, { kind: "exact", rank: 2 })).toBeLessThan(1e-20);
    expect(penalty(scale(V, -1), V, { kind: "flat" })).toBeLessThan(1e-20);
    expect(penalty(scale(V, -1), V, { kind: "one-sided" })).toBeCloseTo(inner(V, V), 10);
    expect(penalty(V, V, { kind: "one-sided" })).toBeLessThan(1e-20);
  });

  it("only published depends on the scale of V", () => {
    for (const anchor of [{ kind: "flat" }, { kind: "one-sided" }, { kind: "exact", rank: 1 }] as const)
      expect(penalty(X, scale(V, 7), anchor)).toBeCloseTo(penalty(X, V, anchor), 10);
    expect(
      Math.abs(penalty(X, scale(V, 7), { kind: "published" }) - penalty(X, V, { kind: "published" })),
    ).toBeGreaterThan(0.01);
  });
});

describe("the plane", () => {
  const v: Point = [1.3, 0.5];
  const update: Point = [0.1, 1.4];

  it("splits into the foot of the perpendicular and the rest", () => {
    const { along, outside, penalty: charged } = split(column(update), column(v), { kind: "flat" });
    expect(inner(outside, column(v))).toBeCloseTo(0, 12);
    expect(inner(along, along) + charged).toBeCloseTo(inner(column(update), column(update)), 12);
  });

  it("beyond length 2 the published form charges more along V than across it", () => {
    for (const length of [1.5, 2.5])
      expect(penalty(column([1, 0]), column([length, 0]), { kind: "published" }) > 1).toBe(length > 2);
    expect(penalty(column([1, 0]), column([1, 0]), { kind: "published" })).toBeCloseTo(0, 12);
  });

  it("draws curves of equal penalty", () => {
    for (const kind of ["published", "none", "one-sided", "flat"] as const)
      for (const at of levelCurve(v, { kind }, 1, 8, 48)) {
        const distance = Math.hypot(...at);
        if (distance < 7.999) expect(penalty(column(at), column(v), { kind })).toBeCloseTo(1, 8);
        else expect(penalty(column(at), column(v), { kind })).toBeLessThanOrEqual(1 + 1e-9);
      }
  });

  it("rests where no small step lowers loss plus penalty", () => {
    for (const kind of ["published", "none", "one-sided", "flat"] as const)
      for (const pull of [update, [-1, 0.4], [-0.5, -1.5]] as const)
        for (const lambda of [0, 0.3, 10]) {
          const cost = (x: Point): number =>
            0.5 * ((x[0] - pull[0]) ** 2 + (x[1] - pull[1]) ** 2) + lambda * penalty(column(x), column(v), { kind });
          const rest = restingPoint(pull, v, { kind }, lambda);
          for (const step of [
            [1e-3, 0],
            [-1e-3, 0],
            [0, 1e-3],
            [0, -1e-3],
          ] as const)
            expect(cost([rest[0] + step[0], rest[1] + step[1]])).toBeGreaterThan(cost(rest));
        }
    expect(restingPoint(update, v, { kind: "flat" }, 0)).toEqual([
      expect.closeTo(update[0], 12),
      expect.closeTo(update[1], 12),
    ]);
    const free = point(split(column(update), column(v), { kind: "flat" }).along);
    expect(restingPoint(update, v, { kind: "flat" }, 1e9)[1]).toBeCloseTo(free[1], 6);
  });
});
