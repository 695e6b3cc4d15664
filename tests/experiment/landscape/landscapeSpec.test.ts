/** @file A landscape's document: defaults, what is refused, and which directions it needs. */
import { describe, expect, it } from "vitest";
import { resolveLandscape } from "../../../src/experiment/landscape/landscapeSpec.ts";
import { directionSources, planSurveys } from "../../../src/experiment/landscape/surveys.ts";
import type { TensorSums } from "../../../src/analysis/landscape/axes.ts";

const settings = (landscape: Record<string, unknown>) => resolveLandscape({ landscape }).landscape;

describe("a landscape's document", () => {
  it("is by default the plane of a tuned model and the alignment direction", () => {
    const spec = resolveLandscape({ landscape: { tuned: "a" } });
    expect(spec.landscape).toMatchObject({ kind: "between", dimensions: 2, span: 0.5, points: 21, scope: "all" });
    expect(spec.experiment.model).toMatchObject({ aligned: "apothecary-aligned", unaligned: "apothecary-base" });
    expect(directionSources(spec.landscape)).toEqual([{ kind: "adapter", name: "a" }, { kind: "unaligned" }]);
  });

  it.each([
    [{}, "landscape.tuned"],
    [{ kind: "trajectory", tuned: "a" }, "landscape.snapshots"],
    [{ kind: "random", seeds: [1] }, "landscape.seeds"],
    [{ kind: "random", points: 1 }, "landscape.points"],
    [{ kind: "round" }, "landscape.kind"],
    [{ kind: "random", colour: 1 }, "landscape"],
  ])("%j is refused at %s", (landscape, where) => {
    expect(() => resolveLandscape({ landscape })).toThrow(where);
  });

  it("is refused without harmful requests, without the twin it needs, and with an adapter that is no name", () => {
    const random = { kind: "random" };
    expect(() => resolveLandscape({ eval: { harmful: null }, landscape: random })).toThrow("eval.harmful");
    const alone = { model: { aligned: "m" }, eval: { harmful: { n: 5 } } };
    expect(() => resolveLandscape({ ...alone, landscape: { kind: "epl" } })).toThrow("model.unaligned");
    expect(resolveLandscape({ ...alone, landscape: random }).landscape.kind).toBe("random");
    expect(() => resolveLandscape({ adapter: 3, landscape: random })).toThrow("adapter");
  });

  it("measures a line per seed, the plane of two, or a line per direction", () => {
    expect(directionSources(settings({ kind: "random", dimensions: 1 }))).toHaveLength(3);
    expect(directionSources(settings({ kind: "random" }))).toHaveLength(2);
    expect(directionSources(settings({ kind: "epl", tuned: "a", seeds: [4] }))).toEqual([
      { kind: "unaligned" },
      { kind: "adapter", name: "a" },
      { kind: "noise", seed: 4 },
    ]);
    expect(directionSources(settings({ kind: "between", dimensions: 1 }))).toEqual([{ kind: "unaligned" }]);
    expect(directionSources(settings({ kind: "trajectory", snapshots: ["a", "b", "c"] }))).toEqual([
      { kind: "adapter", name: "c" },
      { kind: "unaligned" },
      { kind: "adapter", name: "a" },
      { kind: "adapter", name: "b" },
    ]);
  });
});

/** One tensor; directions with these products. */
function sumsOf(products: readonly (readonly number[])[]): TensorSums[] {
  return [{ tensor: "t", weights: 100, products }];
}

describe("the surveys of a landscape", () => {
  it("have the models at their coordinates, with and without Gram-Schmidt", () => {
    const sums = sumsOf([
      [4, 1],
      [1, 9],
    ]);
    const [plain] = planSurveys(settings({ tuned: "a", orthogonalise: false }), sums);
    expect(plain?.markers).toMatchObject([
      { title: "origin", a: 0, b: 0 },
      { title: "tuned model", a: 1, b: 0 },
      { title: "unaligned model", a: 0, b: 1 },
    ]);
    expect(plain?.cosine?.before).toBeCloseTo(1 / 6, 12);
    const [square] = planSurveys(settings({ tuned: "a" }), sums);
    expect(square?.cosine?.used).toBeCloseTo(0, 12);
    expect(square?.markers[2]?.a).toBeCloseTo(0.25, 12);
    expect(square?.markers[2]?.b).toBeCloseTo(1, 12);
    expect(square?.axes[0]).toMatchObject({ length: 2, relative_length: 0.2 });
    expect(square?.axes[0]?.steps).toContain(1);
  });

  it("put a run's way on the plane, from the origin to its end", () => {
    const sums = sumsOf([
      [4, 0, 2],
      [0, 9, 0],
      [2, 0, 1],
    ]);
    const [survey] = planSurveys(settings({ kind: "trajectory", snapshots: ["half", "end"] }), sums);
    expect(survey?.trajectory.map(({ title, a, b }) => [title, a, b])).toEqual([
      ["origin", 0, 0],
      ["half", 0.5, 0],
      ["end", 1, 0],
    ]);
    expect(survey?.markers.map(({ title }) => title)).toEqual(["origin", "unaligned model"]);
  });
});
