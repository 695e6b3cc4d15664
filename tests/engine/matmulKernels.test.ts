/** @file The registry of matmul kernels: what every record has to hold. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FastPaths } from "../../src/engine/matmul/fastPath.ts";
import { matmulKernels } from "../../src/engine/matmul/registry.ts";
import { problemKey, roundTokens } from "../../src/engine/routing/problem.ts";
import type { Candidates } from "../../src/engine/routing/router.ts";

const { dense, lora, descriptions } = matmulKernels;

describe("matmul kernels", () => {
  it("begin with one that fits every product and needs no feature", () => {
    for (const [first] of [dense, lora]) {
      expect(first?.fits).toBeUndefined();
      expect(first?.probe).toBeUndefined();
    }
    expect(Object.keys(dense[0]?.rank ?? {}).sort()).toEqual(["fewRows", "fewTiles", "manyTiles", "software"]);
    expect(Object.keys(lora[0]?.rank ?? {}).sort()).toEqual(["gpu", "software"]);
  });

  it("have one name and one rank each within their family", () => {
    for (const kernels of [dense, lora]) {
      expect(new Set(kernels.map(({ name }) => name)).size).toBe(kernels.length);
      for (const situation of Object.keys(kernels[0]?.rank ?? {})) {
        const ranks = kernels.flatMap(({ rank }) => new Map(Object.entries(rank)).get(situation) ?? []);
        expect(new Set(ranks).size, situation).toBe(ranks.length);
      }
    }
  });

  it("are the same candidates for every number of rows that the router takes for one problem", () => {
    const passed = new Set(matmulKernels.fastPaths.map(({ name }) => name));
    const fastPaths: FastPaths = { passed, f16Loading: "native", subgroupSize: 32 };
    for (const software of [true, false]) {
      for (const form of ["nt", "nn"] as const) {
        for (const n of [64, 576, 1536]) {
          const candidates = new Map<string, Candidates>();
          for (const m of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 128, 129, 193, 256, 257, 512]) {
            const facts = { form, m, n, k: 576, quantised: false, wide: true, software, fastPaths };
            const key = problemKey(roundTokens({ form, dtype: "bf16", m, n, k: 576 }));
            for (const name of matmulKernels.names) {
              const chosen = matmulKernels.chooseDense(facts, undefined, (found) => {
                expect(found, `${key}, ${m} rows`).toEqual(candidates.get(key) ?? found);
                candidates.set(key, found);
                return found.includes(name) ? name : found[0];
              });
              // What was measured for the problem is what runs.
              if (candidates.get(key)?.includes(name)) expect(chosen.name, `${key}, ${m} rows`).toBe(name);
            }
          }
        }
      }
    }
  });

  it("are listed in docs/performance.md with the sentences of their records", () => {
    const text = readFileSync(new URL("../../docs/performance.md", import.meta.url), "utf8");
    for (const { name, why } of descriptions) expect(text).toContain(`| \`${name}\` | ${why} |`);
  });
});
