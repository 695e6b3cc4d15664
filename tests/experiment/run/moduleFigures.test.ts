/** @file Norms of each module against B·A formed in full, and how often a run tells them. */
import { describe, expect, it } from "vitest";
import { ModuleFigures, updateNorms } from "../../../src/experiment/run/moduleFigures.ts";
import type { AdaptedModule } from "../../../src/model/lora.ts";
import { matrix, multiply, normals, normOf, randomMatrix } from "../../methods/reference.ts";
import { adapted } from "../../methods/support.ts";

function told(modules: readonly AdaptedModule[], totalSteps: number, quantity: "penalty" | "update_norm"): number[] {
  const figures = new ModuleFigures(modules, totalSteps, quantity);
  return Array.from({ length: totalSteps }, (_, i) => i + 1).filter((step) => figures.due(step));
}

const small = [adapted("layers.0.q", 13, 9, 4, 2), adapted("layers.0.v", 6, 11, 3, 2)];

describe("figures of each module", () => {
  it("norms are those of B·A formed in full", () => {
    const random = normals(3);
    const values = new Map<string, Float32Array>();
    for (const { a, b, r, inFeatures, outFeatures } of small) {
      values.set(a, Float32Array.from(randomMatrix(r, inFeatures, random, 0.3).data));
      values.set(b, Float32Array.from(randomMatrix(outFeatures, r, random, 0.2).data));
    }
    const expected = small.map(({ a, b, r, inFeatures, outFeatures }) =>
      normOf(multiply(matrix(outFeatures, r, values.get(b) ?? []), matrix(r, inFeatures, values.get(a) ?? []))),
    );
    updateNorms(small, values).forEach((norm, i) =>
      expect(Math.abs(norm / (expected[i] ?? NaN) - 1)).toBeLessThan(1e-12),
    );
  });

  it("every step of a short run, at most 200 of a long one, the last always", () => {
    expect(told(small, 5, "penalty")).toEqual([1, 2, 3, 4, 5]);
    for (const steps of [200, 201, 999, 20_000, 20_001]) {
      const columns = told(small, steps, "update_norm");
      expect(columns.at(-1)).toBe(steps);
      expect(columns.length).toBeGreaterThan(100);
      expect(columns.length).toBeLessThanOrEqual(201);
    }
  });

  it("norms of large adapters are told seldom, penalties as often as ever", () => {
    const large = Array.from({ length: 224 }, (_, i) => adapted(`layers.${i}`, 4096, 4096, 64, 2));
    expect(told(large, 1000, "update_norm").length).toBeLessThanOrEqual(3);
    expect(told(large, 1000, "penalty")).toHaveLength(200);
  });
});
