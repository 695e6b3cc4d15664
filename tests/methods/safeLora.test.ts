/** @file Safe LoRA against a Python port of the published formula (python/fixtures/penalty.py) and its identities. */

import { describe, expect, it } from "vitest";
import { type SafeLoraModuleLog, type SafeLoraOptions, applySafeLora } from "../../src/methods/safeLora.ts";
import type { AfterTraining } from "../../src/methods/stages.ts";
import { relativeError } from "./reference.ts";
import { type Subject, goldenFixture, pairOf } from "./support.ts";

const { modules: golden, selections } = goldenFixture();
const adapter = golden.map(({ module, a, b }) => ({
  path: module.path,
  r: module.r,
  inFeatures: module.inFeatures,
  outFeatures: module.outFeatures,
  A: a,
  B: b,
}));
const base: SafeLoraOptions = { name: "safe_lora", select: "threshold", threshold: 0.5, num_proj_layers: 10 };

function apply(options: Partial<SafeLoraOptions>, subjects: readonly Subject[] = golden): Promise<AfterTraining> {
  return applySafeLora({ ...base, ...options }, adapter, { pair: pairOf(subjects) });
}

function entries(result: AfterTraining): readonly SafeLoraModuleLog[] {
  return result.log.modules as readonly SafeLoraModuleLog[];
}

describe("Safe LoRA", () => {
  it("finds the cosines of the published formula, to all five decimals", async () => {
    const result = await apply({});
    entries(result).forEach((entry, index) => {
      expect(entry.cosine).toBe(golden[index]?.cosine);
      expect(entry.direction_norm).toBeCloseTo(golden[index]?.directionNorm ?? NaN, 6);
    });
  });

  for (const selection of selections) {
    const how = selection.select === "number" ? `the ${selection.k} smallest` : `at most ${selection.threshold}`;
    it(`projects ${how}: B := C B, A untouched`, async () => {
      const options =
        selection.select === "number"
          ? { select: selection.select, num_proj_layers: selection.k }
          : { select: selection.select, threshold: selection.threshold };
      const result = await apply(options);
      expect(entries(result).map((entry) => entry.projected)).toEqual(selection.projected);
      expect(result.log.threshold).toBe(selection.threshold);
      result.modules.forEach((module, index) => {
        expect(module.A).toBe(adapter[index]?.A);
        if (selection.projected[index]) {
          expect(relativeError(module.B, golden[index]?.projectedB ?? [])).toBeLessThan(1e-6);
          expect(entries(result)[index]?.b_norm_after).not.toBe(entries(result)[index]?.b_norm_before);
        } else expect(module.B).toBe(adapter[index]?.B);
      });
    });
  }

  it("changes nothing at the lowest threshold and everything at the highest", async () => {
    const none = await apply({ threshold: -1 });
    expect(none.log.projected).toBe(0);
    none.modules.forEach((module, index) => expect(module).toBe(adapter[index]));
    expect((await apply({ threshold: 1 })).log.projected).toBe(adapter.length);
  });

  it("has cosines that do not depend on the scale of V, unlike the projected B", async () => {
    const stretched = golden.map((one) => ({
      ...one,
      unaligned: new Float32Array(one.v.length),
      aligned: one.v.map((value) => 4 * value),
    }));
    const before = await apply({ threshold: 1 });
    const after = await apply({ threshold: 1 }, stretched);
    expect(entries(after).map((entry) => entry.cosine)).toEqual(entries(before).map((entry) => entry.cosine));
    after.modules.forEach((module, index) => {
      const expected = before.modules[index]?.B.map((value) => 4 * value) ?? [];
      expect(relativeError(module.B, expected)).toBeLessThan(1e-6);
    });
  });

  it("leaves a module alone where the pair does not differ, and survives B = 0", async () => {
    const same = golden.map((one) => ({ ...one, aligned: one.unaligned }));
    const result = await apply({ threshold: 1 }, same);
    expect(entries(result).every((entry) => entry.cosine === null && !entry.projected)).toBe(true);
    const zero = adapter.map((module) => ({ ...module, B: new Float32Array(module.B.length) }));
    const still = await applySafeLora({ ...base, select: "number", num_proj_layers: 2 }, zero, {
      pair: pairOf(golden),
    });
    expect(entries(still).map((entry) => entry.cosine)).toEqual(adapter.map(() => 0));
    still.modules.forEach((module) => expect(module.B.every((value) => value === 0)).toBe(true));
  });
});
