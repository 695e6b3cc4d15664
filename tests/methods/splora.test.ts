/** @file SPLoRA against numpy (python/fixtures/splora.py), its identities, and what the released score does not see. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { productQuantile } from "../../src/methods/direction/productQuantile.ts";
import { type SploraModuleLog, type SploraOptions, applySplora } from "../../src/methods/splora.ts";
import type { AfterTraining } from "../../src/methods/stages.ts";
import { normals, randomMatrix } from "./reference.ts";
import { goldenFixture, pairOf, type Subject } from "./support.ts";

interface Golden {
  readonly modules: readonly {
    readonly distance: number;
    readonly cosine: number;
    readonly update_norm: number;
    readonly first_quartiles: readonly [number, number];
    readonly released_std: number;
  }[];
  readonly scores: Readonly<Record<string, readonly number[]>>;
  readonly pruned: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

const golden = JSON.parse(readFileSync(new URL("../fixtures/splora.json", import.meta.url), "utf8")) as Golden;
const { modules: subjects } = goldenFixture();
const adapter = subjects.map(({ module: { path, r, inFeatures, outFeatures }, a, b }) => {
  return { path, r, inFeatures, outFeatures, A: a, B: b };
});
const base: SploraOptions = {
  name: "splora",
  score: "reconstruction",
  spread: "quartiles",
  select: "number",
  threshold: 0.5,
  num_pruned_layers: 0,
};
/** The scores of the fixture, by the options that choose them. */
const SCORES: Readonly<Record<string, Partial<SploraOptions>>> = {
  quartiles: { score: "reconstruction", spread: "quartiles" },
  variance: { score: "reconstruction", spread: "variance" },
  cosine: { score: "cosine" },
  released: { score: "released" },
};

function apply(
  options: Partial<SploraOptions>,
  modules = adapter,
  pairs: readonly Subject[] = subjects,
): Promise<AfterTraining> {
  return applySplora({ ...base, ...options }, modules, { pair: pairOf(pairs) });
}

function entries({ log }: AfterTraining): readonly SploraModuleLog[] {
  return log.modules as readonly SploraModuleLog[];
}

function prunedBy(result: AfterTraining): readonly number[] {
  return entries(result).flatMap(({ pruned }, index) => (pruned ? [index] : []));
}

describe("SPLoRA", () => {
  it("measures distance, cosine and norm of each update as numpy does", async () => {
    entries(await apply({})).forEach((entry, index) => {
      const expected = golden.modules[index];
      expect(entry.distance).toBeCloseTo(expected?.distance ?? NaN, 10);
      expect(entry.cosine).toBeCloseTo(expected?.cosine ?? NaN, 10);
      expect(entry.update_norm).toBeCloseTo(expected?.update_norm ?? NaN, 10);
    });
  });

  describe.each(Object.entries(SCORES))("by the score %s", (name, options) => {
    it("finds the scores of numpy", async () => {
      entries(await apply(options)).forEach(({ score }, index) =>
        expect(score).toBeCloseTo(golden.scores[name]?.[index] ?? NaN, 8),
      );
    });

    it.each(Object.entries(golden.pruned[name] ?? {}))("prunes what numpy prunes, N = %s", async (count, pruned) => {
      const result = await apply({ ...options, num_pruned_layers: Number(count) });
      expect(prunedBy(result)).toEqual(pruned);
      result.modules.forEach((module, index) => {
        if (pruned.includes(index)) {
          expect(module.A).toBe(adapter[index]?.A);
          expect(module.B.every((value) => value === 0)).toBe(true);
        } else expect(module).toBe(adapter[index]);
      });
    });

    it("prunes by a threshold on the side of the departing modules", async () => {
      const scores = golden.scores[name] ?? [];
      const threshold = [...scores].sort((a, b) => a - b)[2] ?? NaN;
      const near = (score: number): boolean =>
        options.score === "reconstruction" ? score >= threshold - 1e-12 : score <= threshold + 1e-12;
      const limit = options.score === "reconstruction" ? threshold - 1e-9 : threshold + 1e-9;
      const result = await apply({ ...options, select: "threshold", threshold: limit });
      expect(prunedBy(result)).toEqual(scores.flatMap((score, index) => (near(score) ? [index] : [])));
    });
  });

  it("leaves the adapter as it is for N = 0, and the aligned model for N = all", async () => {
    for (const options of [SCORES.quartiles, SCORES.variance, SCORES.cosine]) {
      (await apply({ ...options })).modules.forEach((module, index) => expect(module).toBe(adapter[index]));
      const all = await apply({ ...options, num_pruned_layers: 99 });
      expect(all.log).toMatchObject({ pruned: adapter.length, flops_saved: 1 });
      expect(all.modules.every(({ B }) => B.every((value) => value === 0))).toBe(true);
    }
  });

  it("chooses an update across the span of V first, by distance and by cosine", async () => {
    const random = normals(5);
    const shape = { r: 2, inFeatures: 12, outFeatures: 12 };
    // V has its first six rows only, all singular values alike, so that C is a multiple of a projector with norm 1.
    const v = Float32Array.from({ length: 144 }, (_, at) => (at % 13 === 0 && at < 78 ? Math.sqrt(6) : 0));
    const pairs = [0, 1, 2].map((index) => {
      const module = { path: `m${index}`, ...shape, scale: 1, a: "", b: "" };
      return { module, aligned: v, unaligned: new Float32Array(144), v };
    });
    const modules = pairs.map(({ module: { path } }, index) => {
      const B = Float32Array.from(randomMatrix(12, 2, random).data);
      const planted = index === 1;
      for (let at = 0; at < 24; at += 1) if (at < 12 === planted) B[at] = 0;
      return { path, ...shape, A: Float32Array.from(randomMatrix(2, 12, random).data), B };
    });
    for (const options of [SCORES.quartiles, SCORES.variance, SCORES.cosine]) {
      const result = await apply({ ...options, num_pruned_layers: 1 }, modules, pairs as unknown as Subject[]);
      expect(prunedBy(result)).toEqual([1]);
    }
  });

  it("has a released score without the distance in it: its variant by standard deviation is 0 everywhere", () => {
    for (const { released_std } of golden.modules) expect(Math.abs(released_std)).toBeLessThan(1e-9);
  });

  it("does not score a module where the pair does not differ, and survives B = 0 and equal distances", async () => {
    const same = subjects.map((one) => ({ ...one, aligned: one.unaligned }));
    const zero = adapter.map((module) => ({ ...module, B: new Float32Array(module.B.length) }));
    for (const options of Object.values(SCORES)) {
      const result = await apply({ ...options, num_pruned_layers: 3 }, adapter, same);
      expect(prunedBy(result)).toEqual([]);
      expect(entries(result).every(({ score, distance }) => score === null && distance === null)).toBe(true);
      const still = await apply({ ...options, num_pruned_layers: 3 }, zero);
      expect(entries(still).every(({ score }) => score === null || Number.isFinite(score))).toBe(true);
      expect(still.modules.every(({ B }) => B.every((value) => value === 0))).toBe(true);
    }
  });
});

describe("a quantile of a product that is not formed", () => {
  const random = normals(3);

  it.each([
    [1, 1, 1],
    [3, 1, 2],
    [7, 3, 11],
    [20, 8, 30],
  ])("is numpy's, %i x %i x %i", (rows, r, columns) => {
    const left = Float64Array.from(randomMatrix(rows, r, random).data);
    const right = Float32Array.from(randomMatrix(r, columns, random).data);
    const entry = (at: number): number => {
      let sum = 0;
      for (let j = 0; j < r; j += 1)
        sum += (left[Math.floor(at / columns) * r + j] ?? 0) * (right[j * columns + (at % columns)] ?? 0);
      return Math.fround(sum);
    };
    const sorted = Array.from({ length: rows * columns }, (_, at) => entry(at)).sort((a, b) => a - b);
    for (const q of [0, 0.25, 0.5, 0.75, 1]) {
      const position = q * (sorted.length - 1);
      const [below = NaN, above = NaN] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
      const expected = below + (above - below) * (position - Math.floor(position));
      expect(productQuantile({ left, right, rows, r, columns }, q)).toBe(expected);
    }
  });

  it("is numpy's for the golden updates, zeros and signs included", () => {
    const zeros = { left: new Float32Array(6), right: new Float32Array(8), rows: 3, r: 2, columns: 4 };
    expect(productQuantile(zeros, 0.25)).toBe(0);
    adapter.forEach(({ A, B, r, inFeatures, outFeatures }, index) =>
      expect(productQuantile({ left: B, right: A, rows: outFeatures, r, columns: inFeatures }, 0.25)).toBeCloseTo(
        golden.modules[index]?.first_quartiles[1] ?? NaN,
        12,
      ),
    );
  });
});
