/** @file The geometry of an update against numpy, and its identities. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { spectrumOf } from "../../src/analysis/spectrum.ts";
import { updateGeometry } from "../../src/analysis/updateGeometry.ts";
import { BasinError } from "../../src/base/error.ts";
import { directionCosine } from "../../src/methods/direction/alignment.ts";
import { adapterScale, decodeAdapter } from "../../src/weights/adapterFile.ts";

interface Case {
  readonly out: number;
  readonly in: number;
  readonly r: number;
  readonly scale: number;
  readonly A: number[];
  readonly B: number[];
  readonly V: number[];
  readonly singular_values: number[];
  readonly norm: number;
  readonly stable_rank: number;
  readonly effective_rank: number;
  readonly cosine: number;
}

const { cases } = JSON.parse(readFileSync(new URL("../fixtures/analysis.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

function moduleOf({ out, in: inFeatures, r, A, B }: Case) {
  return { r, inFeatures, outFeatures: out, A: Float32Array.from(A), B: Float32Array.from(B) };
}

describe("the spectrum of an update", () => {
  it.each(cases)("of $out x $in, rank $r, is numpy's", (golden) => {
    const found = spectrumOf(moduleOf(golden), golden.scale);
    expect(found.singularValues).toHaveLength(golden.singular_values.length);
    golden.singular_values.forEach((value, i) => expect(found.singularValues[i]).toBeCloseTo(value, 11));
    expect(found.norm).toBeCloseTo(golden.norm, 11);
    expect(found.stableRank).toBeCloseTo(golden.stable_rank, 11);
    expect(found.effectiveRank).toBeCloseTo(golden.effective_rank, 11);
    expect(directionCosine(moduleOf(golden), Float32Array.from(golden.V))).toBeCloseTo(golden.cosine, 7);
  });

  it("of a zero update has no rank", () => {
    const zero = { r: 2, inFeatures: 3, outFeatures: 4, A: new Float32Array(6).fill(1), B: new Float32Array(8) };
    expect(spectrumOf(zero, 2)).toEqual({ singularValues: [0, 0], norm: 0, stableRank: null, effectiveRank: null });
  });

  it("of r equal orthogonal directions has rank r in both senses", () => {
    const [A, B] = [new Float32Array(3 * 5), new Float32Array(4 * 3)];
    for (let i = 0; i < 3; i += 1) {
      A[i * 5 + i] = 1;
      B[i * 3 + i] = 1;
    }
    const found = spectrumOf({ r: 3, inFeatures: 5, outFeatures: 4, A, B }, 0.5);
    expect(found.stableRank).toBeCloseTo(3, 12);
    expect(found.effectiveRank).toBeCloseTo(3, 12);
    expect(found.norm).toBeCloseTo(0.5 * Math.sqrt(3), 12);
  });
});

describe("the analysis", () => {
  const folder = new URL("../fixtures/adapters/", import.meta.url);
  const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
  const adapter = decodeAdapter({
    "adapter_config.json": read("patterns/adapter_config.json"),
    "adapter_model.safetensors": read("patterns/adapter_model.safetensors"),
  });

  it("has a row for each module, and says why there is no cosine", async () => {
    const { tables, notes, figures } = await updateGeometry.run({ adapter });
    expect(tables[0]?.rows.map(({ module }) => module)).toEqual(adapter.modules.map(({ path }) => path));
    expect(tables[0]?.columns.map(({ key }) => key)).not.toContain("cosine");
    expect(notes[0]).toMatch(/no alignment direction/);
    const norms = adapter.modules.map((module) => spectrumOf(module, adapterScale(adapter.config, module.path)).norm);
    expect(figures[0]?.value).toBeCloseTo(Math.hypot(...norms), 10);
  });

  it("names the input that is missing", async () => {
    await expect(updateGeometry.run({})).rejects.toThrow(BasinError);
    await expect(updateGeometry.run({})).rejects.toThrow(/needs an adapter/);
  });

  it("refuses options that it does not have", async () => {
    await expect(updateGeometry.run({ adapter }, { depth: 3 })).rejects.toThrow(/depth/);
  });
});
