/** @file Every WGSL file compiles as it stands, every entry point makes a pipeline: Dawn's null backend, no GPU. */

import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nullGpu } from "../../src/cli/nodeGpu.ts";
import { KernelCache, reflectBindings, reflectParams, specialise } from "../../src/engine/kernel.ts";
import * as registry from "../../src/engine/kernels.ts";

const folder = new URL("../../shaders/", import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith(".wgsl"));
const families = Object.values(registry);

let device: GPUDevice;
beforeAll(async () => {
  const adapter = await nullGpu().requestAdapter();
  if (!adapter) throw new Error("Dawn's null backend gave no adapter");
  device = await adapter.requestDevice({ requiredFeatures: ["subgroups"] });
});
afterAll(() => device.destroy());

describe("shaders", () => {
  it("are all registered", () => {
    expect(families.map((family) => `${family.name}.wgsl`).sort()).toEqual([...files].sort());
  });

  for (const family of families) {
    it(`${family.name}.wgsl compiles`, async () => {
      const entries = [...family.source.matchAll(/@compute[^{]*?fn\s+(\w+)/g)].map((match) => match[1] ?? "");
      expect(entries.length).toBeGreaterThan(0);
      const cache = new KernelCache(device);
      for (const entry of entries) await cache.get({ family, entry, constants: {} });
    });
    it(`${family.name}.wgsl explains itself and stays within eight storage bindings`, () => {
      expect(readFileSync(new URL(`${family.name}.wgsl`, folder), "utf8")).toMatch(/^\/\//);
      for (const match of family.source.matchAll(/@compute[^{]*?fn\s+(\w+)/g)) {
        const storage = reflectBindings(family.source, match[1] ?? "").filter((binding) => binding.access !== "uniform");
        expect(storage.length).toBeLessThanOrEqual(8);
      }
    });
  }
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
    expect(reflectParams(source)).toEqual([
      { name: "m", type: "u32" },
      { name: "scale", type: "f32" },
    ]);
  });

  it("replaces constants and refuses unknown ones", () => {
    const family = { name: "test", source };
    expect(specialise({ family, entry: "two", constants: { N: 7 } })).toContain("const N: u32 = 7u;");
    expect(() => specialise({ family, entry: "two", constants: { M: 7 } })).toThrow("no constant M");
  });
});
