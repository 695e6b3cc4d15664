/** @file The registry: options and their defaults, descriptions that agree with the schemas, bytes known beforehand. */

import { describe, expect, it } from "vitest";
import { planAnchors } from "../../src/methods/anchored/plan.ts";
import { bindMethod, methodSchema, methods } from "../../src/methods/registry.ts";
import { adapterLayout } from "../../src/model/lora.ts";
import { adapted } from "./support.ts";

describe("the methods", () => {
  it("have the defaults of their published code", () => {
    expect(methodSchema.parse({ name: "sft" })).toEqual({ name: "sft" });
    expect(methodSchema.parse({ name: "asft" })).toEqual({
      name: "asft",
      lambda: 1,
      projector: "safe_lora",
      rank: 4,
      penalty_scale: "ba",
    });
    expect(methodSchema.parse({ name: "safe_instr" })).toMatchObject({
      amount: "share",
      safety_share: 0.03,
      safety_rows: null,
    });
    expect(methodSchema.parse({ name: "bea" })).toMatchObject({
      safety_count: 11,
      trigger: null,
      trigger_length: 150,
      trigger_place: "system",
    });
    expect(methodSchema.parse({ name: "lisa" })).toMatchObject({
      rho: 1,
      alignment_steps: 100,
      user_steps: 900,
      proximal_from: 0.1,
      start_from: "aligned",
    });
    expect(methodSchema.parse({ name: "safe_merge" })).toMatchObject({
      threshold: 0.35,
      weight: 0.8,
      safe_weight: 0.2,
      merge: "factors",
    });
    expect(methodSchema.parse({ name: "safe_lora" })).toEqual({
      name: "safe_lora",
      select: "number",
      threshold: 0.5,
      num_proj_layers: 10,
    });
  });

  it("refuse unknown names, fields and values", () => {
    for (const bad of [
      { name: "asfd" },
      { name: "asft", lamda: 1 },
      { name: "asft", lambda: -1 },
      { name: "asft", rank: 0 },
      { name: "safe_lora", num_proj_layers: 0 },
    ]) {
      expect(methodSchema.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
    }
  });

  it("describe every option with the schema's default", () => {
    for (const method of methods) {
      const { name, ...defaults } = method.schema.parse({ name: method.name }) as Record<string, unknown>;
      expect(name).toBe(method.name);
      expect(Object.fromEntries(method.parameters.map((parameter) => [parameter.name, parameter.default]))).toEqual(
        defaults,
      );
      expect(method.cautions.length).toBeGreaterThan(0);
      expect(method.title && method.summary && method.about && method.evidence.note).toBeTruthy();
    }
  });

  it("say whether they need the unaligned twin", () => {
    expect(bindMethod({ name: "sft" }).needsUnaligned).toBe(false);
    expect(bindMethod({ name: "asft" }).needsUnaligned).toBe(true);
    expect(bindMethod({ name: "asft", projector: "none" }).needsUnaligned).toBe(false);
    expect(bindMethod({ name: "asft", lambda: 0 }).needsUnaligned).toBe(false);
    expect(bindMethod({ name: "safe_lora" }).needsUnaligned).toBe(true);
  });
});

describe("the plan of the anchors", () => {
  const layers = (count: number) =>
    Array.from({ length: count }, (_, i) => [
      adapted(`${i}.q`, 64, 64, 8, 4),
      adapted(`${i}.v`, 32, 64, 8, 4),
      adapted(`${i}.up`, 96, 64, 8, 4),
    ]).flat();

  it("stacks equal modules and keeps an out x out matrix only where it is the cheaper choice", () => {
    const modules = layers(5);
    const plan = planAnchors("safe_lora", 4, modules, adapterLayout(modules), { maxBinding: 2 ** 27 });
    expect(plan.groups.map(({ form, members, columns }) => [form, members.length, columns])).toEqual([
      ["complement", 5, 64],
      ["complement", 5, 32],
      ["factor", 5, 64],
    ]);
  });

  it("needs a stack per shape for the whole of SmolLM2-135M in the smallest bindings that WebGPU allows", () => {
    const modules = Array.from({ length: 30 }, (_, i) => [
      adapted(`${i}.q`, 576, 576, 8, 4),
      adapted(`${i}.v`, 192, 576, 8, 4),
    ]).flat();
    for (const projector of ["safe_lora", "rank", "flat", "none"] as const) {
      const { groups } = planAnchors(projector, 4, modules, adapterLayout(modules), { maxBinding: 2 ** 27 });
      expect(
        groups.map(({ members }) => members.length),
        projector,
      ).toEqual([30, 30]);
    }
  });

  it("opens a new stack where a binding is full, and cuts a matrix that exceeds one", () => {
    const modules = layers(5);
    const two = planAnchors("safe_lora", 4, modules, adapterLayout(modules), { maxBinding: 2 * 64 * 64 * 4 });
    expect(two.groups.filter(({ outFeatures }) => outFeatures === 64).map(({ members }) => members.length)).toEqual([
      2, 2, 1,
    ]);
    const cut = planAnchors("safe_lora", 4, layers(1), adapterLayout(layers(1)), { maxBinding: 20 * 64 * 4 });
    expect(cut.groups[0]?.parts.map(({ rows }) => rows)).toEqual([20, 20, 20, 4]);
  });

  it("costs what it keeps", () => {
    const modules = layers(3);
    const bytes = (projector: "safe_lora" | "none" | "flat") =>
      bindMethod({ name: "asft", projector }).anchorBytes(modules);
    expect(bytes("safe_lora")).toBeGreaterThan(3 * 4 * (64 * 64 + 32 * 32 + 96 * 64));
    expect(bytes("flat")).toBeGreaterThan(3 * 4 * 64 * (64 + 32 + 96));
    expect(bytes("none")).toBeLessThan(3 * 4 * 64 * 64);
    expect(bindMethod({ name: "asft", lambda: 0 }).anchorBytes(modules)).toBe(0);
    expect(bindMethod({ name: "safe_lora" }).anchorBytes(modules)).toBe(0);
  });
});
