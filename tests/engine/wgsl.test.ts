/** @file Every family links as it stands, every entry point makes a pipeline: Dawn's null backend, no GPU. */

import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SUBGROUP_MATRIX_FEATURE } from "../../src/engine/matmul/subgroupMatrix.ts";
import { type Constants, KernelCache, type KernelFamily, kernelText } from "../../src/engine/kernel.ts";
import * as registry from "../../src/engine/kernels.ts";
import { reflectBindings } from "../../src/engine/wgsl/reflect.ts";
import { nullGpu } from "../support/nullGpu.ts";

const folder = new URL("../../shaders/", import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".wgsl"));
const families = Object.values(registry).flatMap((entry): KernelFamily[] =>
  "file" in entry ? [entry] : Object.values(entry),
);

function entriesOf(text: string): string[] {
  return [...text.matchAll(/@compute[^{]*?fn\s+(\w+)/g)].map((match) => match[1] ?? "");
}

let device: GPUDevice;
beforeAll(async () => {
  const adapter = await nullGpu(["allow_unsafe_apis"]).requestAdapter();
  if (!adapter) throw new Error("Dawn's null backend gave no adapter");
  device = await adapter.requestDevice({ requiredFeatures: ["subgroups", "shader-f16", SUBGROUP_MATRIX_FEATURE] });
});
afterAll(() => device.destroy());

describe("shaders", () => {
  it("are all part of a family, and say at their head what they do", () => {
    const texts = families.map((family) => kernelText({ family, constants: {} }));
    for (const file of files) {
      expect(readFileSync(new URL(file, folder), "utf8"), file).toMatch(/^\/\//);
      expect(
        texts.some((text) => text.includes(`\n// ---- ${file}\n`)),
        file,
      ).toBe(true);
    }
    expect(new Set(families.map((family) => family.name)).size).toBe(families.length);
  });

  for (const family of families) {
    it(`${family.name} compiles`, async () => {
      const entries = entriesOf(kernelText({ family, constants: {} }));
      expect(entries.length).toBeGreaterThan(0);
      const cache = new KernelCache(device);
      for (const entry of entries) await cache.get({ family, entry, constants: {} });
    });
    it(`${family.name} stays within eight storage bindings`, () => {
      const text = kernelText({ family, constants: {} });
      for (const entry of entriesOf(text)) {
        const storage = reflectBindings(text, entry).filter((binding) => binding.access !== "uniform");
        expect(storage.length).toBeLessThanOrEqual(8);
      }
    });
  }
});

describe("product kernels", () => {
  const variants: readonly (readonly [registry.MatmulFamilies, string, Constants])[] = [
    [registry.tileFamilies, "Tile", { TILE: 32, SLICES: 1 }],
    [registry.tileFamilies, "Tile", { TILE: 32, SLICES: 4 }],
    [registry.vectorFamilies, "Vector", { ROWS: 8 }],
    // What this backend says of its subgroups allows no smaller workgroup.
    ...[32, 64].map((SUBGROUP) => [registry.subgroupMatrixFamilies, "SubgroupMatrix", { SUBGROUP }] as const),
  ];
  it.each(variants)("%#: compile for every way of reading the weight", async (families, kind, constants) => {
    const cache = new KernelCache(device);
    for (const form of kind === "Vector" ? ["nt"] : ["nt", "nn"]) {
      for (const VEC of [true, false]) {
        for (const WEIGHT of [0, 1, 2])
          await cache.get({ family: families.plain, entry: form + kind, constants: { ...constants, VEC, WEIGHT } });
        await cache.get({
          family: families.plain,
          entry: form + kind,
          constants: { ...constants, VEC, WEIGHT: 2, UNPACK: true },
        });
        await cache.get({ family: families.half, entry: form + kind, constants: { ...constants, VEC } });
        for (const FORMAT of [1, 2, 3])
          await cache.get({ family: families.quantised, entry: form + kind, constants: { ...constants, VEC, FORMAT } });
      }
    }
  });
});

describe("kernel reflection", () => {
  const source = `
// @group(0) @binding(9) var<storage, read> ghost: array<f32>;
const N: u32 = 4u;
struct Params { m: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> z: array<f32>;
fn load(i: u32) -> f32 { return x[i]; }
@compute @workgroup_size(1) fn one() { y[0] = load(params.m); }
@compute @workgroup_size(1) fn two(@builtin(workgroup_id) group: vec3u) { z[0] = f32(N + group.y); }`;

  it("finds bindings through called functions and ignores comments", () => {
    expect(reflectBindings(source, "one").map(({ name, access }) => `${name}:${access}`)).toEqual([
      "params:uniform",
      "x:read",
      "y:read_write",
    ]);
    expect(reflectBindings(source, "two").map(({ name }) => name)).toEqual(["z"]);
  });
});
