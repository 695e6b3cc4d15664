/** @file The alignment directions against numpy (python/fixtures/analysis.py), and what holds for any pair. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { directions } from "../../src/analysis/directions.ts";
import { subspacesOf } from "../../src/analysis/subspaces.ts";
import { BasinError } from "../../src/base/error.ts";
import type { Adapter, AdapterModule } from "../../src/weights/adapterFile.ts";
import { memoryReader } from "../methods/support.ts";

interface Case {
  readonly out: number;
  readonly in: number;
  readonly r: number;
  readonly scale: number;
  readonly A: number[];
  readonly B: number[];
  readonly V: number[];
  readonly direction_singular_values: number[];
  readonly direction_stable_rank: number;
  readonly left_share: number;
  readonly right_share: number;
  readonly left_angles: number[];
  readonly right_angles: number[];
  readonly penalty_ratio: number;
}

const { cases } = JSON.parse(readFileSync(new URL("../fixtures/analysis.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};
const K = 2;

function moduleOf({ out, in: inFeatures, r, A, B }: Case, path = "m"): AdapterModule {
  return { path, r, inFeatures, outFeatures: out, A: Float32Array.from(A), B: Float32Array.from(B) };
}

function near(found: readonly number[] | undefined, expected: readonly number[], digits: number): void {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(found?.[i]).toBeCloseTo(value, digits));
}

describe("the subspaces of an update and of V", () => {
  it.each(cases)("of $out x $in, rank $r, are numpy's", (golden) => {
    const found = subspacesOf(moduleOf(golden), Float32Array.from(golden.V), K);
    near(found?.singularValues, golden.direction_singular_values, 8);
    expect(found?.stableRank).toBeCloseTo(golden.direction_stable_rank, 8);
    expect(found?.update?.leftShare).toBeCloseTo(golden.left_share, 8);
    expect(found?.update?.rightShare).toBeCloseTo(golden.right_share, 8);
    expect(found?.update?.penaltyRatio).toBeCloseTo(golden.penalty_ratio, 10);
    // In degrees; near 0 an angle is the square root of what its cosine lacks.
    near(found?.update?.leftAngles, golden.left_angles, 3);
    near(found?.update?.rightAngles, golden.right_angles, 3);
  });

  it("do not exist where V = 0, and leave out the update where that is 0", () => {
    const golden = cases[0] as Case;
    const module = moduleOf(golden);
    expect(subspacesOf(module, new Float32Array(golden.V.length), K)).toBeNull();
    const still = subspacesOf({ ...module, B: new Float32Array(module.B.length) }, Float32Array.from(golden.V), K);
    expect(still?.update).toBeNull();
    expect(still?.singularValues).toHaveLength(K);
  });

  it("hold all of an update that V itself spans: shares 1, angles 0", () => {
    const golden = cases[0] as Case;
    const module = moduleOf(golden);
    const V = new Float32Array(golden.V.length);
    for (let i = 0; i < golden.out; i += 1)
      for (let c = 0; c < golden.in; c += 1)
        for (let j = 0; j < golden.r; j += 1)
          V[i * golden.in + c] =
            (V[i * golden.in + c] ?? 0) + (module.B[i * golden.r + j] ?? 0) * (module.A[j * golden.in + c] ?? 0);
    const { update } = subspacesOf(module, V, golden.r) ?? {};
    expect(update?.leftShare).toBeCloseTo(1, 6);
    expect(update?.rightShare).toBeCloseTo(1, 6);
    near(update?.leftAngles, [0, 0, 0, 0], 1);
  });

  it("count a direction that the adapter repeats once", () => {
    const golden = cases[0] as Case;
    const module = moduleOf(golden);
    const [A, B] = [module.A.slice(), module.B.slice()];
    A.copyWithin(golden.in, 0, golden.in);
    for (let row = 0; row < golden.out; row += 1) B[row * golden.r + 1] = B[row * golden.r] ?? 0;
    const { update } = subspacesOf({ ...module, A, B }, Float32Array.from(golden.V), 8) ?? {};
    expect(update?.leftAngles).toHaveLength(3);
  });
});

describe("the analysis", () => {
  const golden = cases.slice(0, 2);
  const modules = golden.map((one, index) => moduleOf(one, `layers.${index}`));
  const adapter = { modules, config: { r: 4, lora_alpha: 8 } } as unknown as Adapter;
  const readers = (same: boolean) => {
    const of = (pick: (one: Case) => Float32Array) =>
      memoryReader(
        Object.fromEntries(
          golden.map((one, index) => [`layers.${index}.weight`, { shape: [one.out, one.in], values: pick(one) }]),
        ),
      );
    const zero = (one: Case): Float32Array => new Float32Array(one.V.length);
    return { aligned: of(same ? zero : ({ V }) => Float32Array.from(V)), unaligned: of(zero) };
  };

  it("has a row for each module and each singular value, and totals between those of the modules", async () => {
    const result = await directions.run({ adapter, ...readers(false) }, { k: K });
    const [table, spectrum] = result.tables;
    expect(table?.rows.map(({ module }) => module)).toEqual(["layers.0", "layers.1"]);
    expect(spectrum?.rows).toHaveLength(2 * K);
    for (const { norm, along, across } of table?.rows ?? [])
      expect(Math.hypot(Number(along), Number(across))).toBeCloseTo(Number(norm), 10);
    const shares = (table?.rows ?? []).map((row) => Number(row.left_share));
    const total = result.figures.find(({ title }) => title.includes("left subspaces"))?.value ?? NaN;
    expect(total).toBeGreaterThanOrEqual(Math.min(...shares));
    expect(total).toBeLessThanOrEqual(Math.max(...shares));
  });

  it("says that modules with V = 0 have no directions", async () => {
    const { notes, tables, figures } = await directions.run({ adapter, ...readers(true) });
    expect(notes[0]).toMatch(/V = 0/);
    expect(tables[0]?.rows.every(({ stable_rank, left_share }) => stable_rank === null && left_share === null)).toBe(
      true,
    );
    expect(figures.every(({ value }) => value === null)).toBe(true);
  });

  it("needs both models, and refuses other options", async () => {
    await expect(directions.run({ adapter })).rejects.toThrow(BasinError);
    await expect(directions.run({ adapter, ...readers(false) }, { k: 0 })).rejects.toThrow();
  });
});
