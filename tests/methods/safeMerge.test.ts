/**
 * @file SafeMERGE: which modules are merged, and that a merge is what it says, against f64 products of the full
 * matrices.
 */

import { describe, expect, it } from "vitest";
import type { SafeAdapterValues } from "../../src/methods/stages.ts";
import { type SafeMergeModuleLog, type SafeMergeOptions, applySafeMerge } from "../../src/methods/safeMerge.ts";
import type { AdapterModule } from "../../src/weights/adapterFile.ts";
import { combine, matrix, type Matrix, multiply, normals, randomMatrix, relativeError, scaled } from "./reference.ts";
import { goldenFixture, pairOf } from "./support.ts";

const { modules: golden } = goldenFixture();
const base: SafeMergeOptions = {
  name: "safe_merge",
  threshold: 1.01,
  weight: 0.7,
  safe_weight: 0.4,
  merge: "exact",
  safe_adapter: null,
  safe_epochs: 1,
  safety_count: 1,
  safety_rows: null,
};
const trained: SafeAdapterValues = {
  modules: golden.map(({ module, a, b }) => ({
    path: module.path,
    r: module.r,
    inFeatures: module.inFeatures,
    outFeatures: module.outFeatures,
    A: a,
    B: b,
  })),
  scales: golden.map(({ module }) => module.scale),
};
const random = normals(5);
/** Another adapter of the same shapes; its scales are not the trained one's. */
const safe: SafeAdapterValues = {
  modules: trained.modules.map((module) => ({
    ...module,
    A: Float32Array.from(randomMatrix(module.r, module.inFeatures, random, 0.3).data),
    B: Float32Array.from(randomMatrix(module.outFeatures, module.r, random, 0.3).data),
  })),
  scales: trained.scales.map((scale, i) => scale * (1 + 0.25 * i)),
};

function merge(options: Partial<SafeMergeOptions>, other = safe) {
  return applySafeMerge({ ...base, ...options }, trained, other, { pair: pairOf(golden) });
}

/** s B A, or any two factors' product. */
function update({ A, B, r, inFeatures, outFeatures }: AdapterModule, scale: number): Matrix {
  return scaled(multiply(matrix(outFeatures, r, B), matrix(r, inFeatures, A)), scale);
}

function expectSame(one: Matrix, other: Matrix, tolerance = 1e-6): void {
  expect(relativeError(one.data, other.data)).toBeLessThan(tolerance);
}

const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index];
  if (item === undefined) throw new RangeError(String(index));
  return item;
};

describe("SafeMERGE", () => {
  it("measures the cosines that Safe LoRA's formula gives", async () => {
    const log = (await merge({})).log.modules as SafeMergeModuleLog[];
    log.forEach(({ cosine, path }, i) => {
      expect(cosine, path).toBeCloseTo(at(golden, i).cosine, 5);
    });
  });

  it("exact: w times the trained update plus w_s times the safe one, at twice the rank", async () => {
    const { modules } = await merge({});
    modules.forEach((module, i) => {
      const [one, two] = [at(trained.modules, i), at(safe.modules, i)];
      expect(module.r).toBe(2 * one.r);
      const mean = combine(scaled(update(one, at(trained.scales, i)), 0.7), 0.4, update(two, at(safe.scales, i)));
      expectSame(update(module, at(trained.scales, i)), mean);
    });
  });

  it("factors: means of the factors, whose product has cross terms", async () => {
    const { modules } = await merge({ merge: "factors" });
    modules.forEach((module, i) => {
      const [one, two, s, t] = [at(trained.modules, i), at(safe.modules, i), at(trained.scales, i), at(safe.scales, i)];
      expect(module.r).toBe(one.r);
      // PEFT: A = Σ √(w_i s_i) A_i, B likewise, scale 1.
      const side = (x: Float32Array, y: Float32Array): Float64Array =>
        Float64Array.from(x, (value, j) => Math.sqrt(0.7 * s) * value + Math.sqrt(0.4 * t) * (y[j] ?? 0));
      const peft = multiply(
        matrix(one.outFeatures, one.r, side(one.B, two.B)),
        matrix(one.r, one.inFeatures, side(one.A, two.A)),
      );
      expectSame(update(module, s), peft);
      const mean = combine(scaled(update(one, s), 0.7), 0.4, update(two, t));
      const root = Math.sqrt(0.7 * 0.4 * s * t);
      const cross = combine(update({ ...one, A: two.A }, root), 1, update({ ...two, A: one.A }, root));
      expectSame(peft, combine(mean, 1, cross));
      expect(relativeError(peft.data, mean.data)).toBeGreaterThan(0.1);
    });
  });

  it("merges none at the lowest threshold and all at the highest, and never fewer at a higher one", async () => {
    for (const kind of ["exact", "factors"] as const) {
      const none = await merge({ merge: kind, threshold: -1.01 });
      none.modules.forEach((module, i) => expect(module).toBe(trained.modules[i]));
      expect(none.log.merged).toBe(0);
      expect((await merge({ merge: kind })).log.merged).toBe(trained.modules.length);
    }
    const counts: number[] = [];
    for (let threshold = -1; threshold <= 1; threshold += 0.05)
      counts.push((await merge({ threshold })).log.merged as number);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBeGreaterThan(2);
  });

  it("leaves what it does not merge as it was, padded where the others have twice the rank", async () => {
    const cosines = golden.map(({ cosine }) => cosine).sort((a, b) => a - b);
    const threshold = (at(cosines, 1) + at(cosines, 2)) / 2;
    const { modules, log } = await merge({ threshold });
    const entries = log.modules as SafeMergeModuleLog[];
    expect(log.merged).toBe(2);
    modules.forEach((module, i) => {
      const one = at(trained.modules, i);
      expect(module.r).toBe(2 * one.r);
      if (!at(entries, i).merged) expect(update(module, 1).data).toEqual(update(one, 1).data);
    });
    const factors = await merge({ threshold, merge: "factors" });
    factors.modules.forEach((module, i) => expect(module === trained.modules[i]).toBe(!at(entries, i).merged));
  });

  it("merges a safe adapter of negative scale exactly; by factors it is refused, with module and remedy", async () => {
    const negative = { ...safe, scales: safe.scales.map((scale) => -scale) };
    const { modules } = await merge({}, negative);
    modules.forEach((module, i) => {
      const [one, two] = [at(trained.modules, i), at(safe.modules, i)];
      const mean = combine(scaled(update(one, at(trained.scales, i)), 0.7), -0.4, update(two, at(safe.scales, i)));
      expectSame(update(module, at(trained.scales, i)), mean);
    });
    await expect(merge({ merge: "factors" }, negative)).rejects.toMatchObject({
      what: expect.stringContaining(`${at(trained.modules, 0).path} has -1 times the scale`) as string,
      where: "method.safe_adapter",
      fix: expect.stringContaining("exact") as string,
    });
  });

  it("with weights 1 and 0 changes no update", async () => {
    for (const kind of ["exact", "factors"] as const) {
      const { modules } = await merge({ merge: kind, weight: 1, safe_weight: 0 });
      modules.forEach((module, i) => expect(update(module, 1).data).toEqual(update(at(trained.modules, i), 1).data));
    }
  });

  it("keeps a module whose two checkpoints do not differ", async () => {
    const same = golden.map((one) => ({ ...one, aligned: one.unaligned }));
    const { modules, log } = await applySafeMerge({ ...base, merge: "factors" }, trained, safe, { pair: pairOf(same) });
    expect(log.merged).toBe(0);
    modules.forEach((module, i) => expect(module).toBe(trained.modules[i]));
  });

  it("refuses a safe adapter of other modules or ranks", async () => {
    await expect(merge({}, { modules: safe.modules.slice(1), scales: safe.scales.slice(1) })).rejects.toThrow(
      /has no /,
    );
    const other = safe.modules.map((module) => ({ ...module, r: module.r + 1 }));
    await expect(merge({}, { modules: other, scales: safe.scales })).rejects.toThrow(/has rank/);
  });
});
