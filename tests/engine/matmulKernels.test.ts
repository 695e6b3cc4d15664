/** @file The registry of matmul kernels: what every record has to hold. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { matmulKernels } from "../../src/engine/matmul/registry.ts";

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

  it("are listed in docs/performance.md with the sentences of their records", () => {
    const text = readFileSync(new URL("../../docs/performance.md", import.meta.url), "utf8");
    for (const { name, why } of descriptions) expect(text).toContain(`| \`${name}\` | ${why} |`);
  });
});
