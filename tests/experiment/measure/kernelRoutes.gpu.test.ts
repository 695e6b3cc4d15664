/** @file Measured routes from one visit to the next, and within a run. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../../src/engine/device.ts";
import { Router } from "../../../src/engine/routing/router.ts";
import {
  type RouteStore,
  forgetRoutes,
  identityOf,
  loadRoutes,
  saveRoutes,
} from "../../../src/experiment/measure/kernelRoutes.ts";
import { testGpu } from "../../support/gpu.ts";

const PROBLEM = { form: "nt", dtype: "bf16", m: 256, n: 576, k: 576 } as const;

function memoryStore(): RouteStore & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    read: (identity) => Promise.resolve(texts.get(identity)),
    write: (identity, text) => Promise.resolve(void texts.set(identity, text)),
    remove: (identity) => Promise.resolve(void texts.delete(identity)),
  };
}

async function fresh(): Promise<Gpu> {
  return { ...(await testGpu()), router: new Router() };
}

async function measured(): Promise<Gpu> {
  const gpu = await fresh();
  gpu.router.record({ problem: PROBLEM, candidates: ["subgroup", "register"] }, { subgroup: 3, register: 1 });
  return gpu;
}

describe("stored routes", () => {
  it("come back as they were, for the same device and platform only", async () => {
    const store = memoryStore();
    const gpu = await measured();
    expect(await saveRoutes(gpu, store, "here")).toBe(true);
    const next = await fresh();
    await loadRoutes(next, store, "here");
    expect(next.router.table).toEqual(gpu.router.table);
    const elsewhere = await fresh();
    await loadRoutes(elsewhere, store, "another browser");
    expect(elsewhere.router.table).toEqual({});
    expect(await identityOf(gpu, "here")).toMatch(/^[0-9a-f]{32}$/);
  });

  it("that are damaged or another device's count as nothing measured", async () => {
    const store = memoryStore();
    await saveRoutes(await measured(), store, "here");
    const [[identity, text]] = [...store.texts] as [[string, string]];
    for (const bad of [
      "",
      "{",
      "null",
      text.replace('"register"', '"abacus"'),
      text.replace(identity, "0".repeat(32)),
      text.replace("576", "-1"),
    ]) {
      store.texts.set(identity, bad);
      const gpu = await fresh();
      await loadRoutes(gpu, store, "here");
      expect(gpu.router.table).toEqual({});
    }
  });

  it("of a store that fails: nothing is known, nothing is lost", async () => {
    const broken: RouteStore = {
      read: () => Promise.reject(new Error("no")),
      write: () => Promise.reject(new Error("full")),
      remove: () => Promise.resolve(),
    };
    const gpu = await measured();
    await loadRoutes(gpu, broken, "here");
    expect(await saveRoutes(gpu, broken, "here")).toBe(false);
    expect(Object.keys(gpu.router.table)).toHaveLength(1);
  });

  it("are forgotten here and in the store", async () => {
    const store = memoryStore();
    const gpu = await measured();
    await saveRoutes(gpu, store, "here");
    await forgetRoutes(gpu, store, "here");
    expect(gpu.router.table).toEqual({});
    expect(store.texts.size).toBe(0);
  });
});
