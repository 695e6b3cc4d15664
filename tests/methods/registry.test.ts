/** @file The registry: options and their defaults, descriptions that agree with the schemas, bytes known beforehand. */

import { describe, expect, it } from "vitest";
import { planAnchors } from "../../src/methods/anchored/plan.ts";
import { bindMethod, type MethodInput, methodNamed, methodSchema, methods } from "../../src/methods/registry.ts";
import { type MethodOption, optionValue } from "../../src/methods/options.ts";
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

  it("have SPLoRA's reconstruction as its default score", () => {
    expect(methodSchema.parse({ name: "splora" })).toEqual({
      name: "splora",
      score: "reconstruction",
      spread: "quartiles",
      select: "number",
      threshold: 0.5,
      num_pruned_layers: 10,
    });
  });

  it("have the coefficient, estimator and chunks of STAR-DSS's released code as defaults", () => {
    expect(methodSchema.parse({ name: "star_dss" })).toEqual({
      name: "star_dss",
      guard: { kind: "rows" },
      kl_coefficient: 0.5,
      estimator: "k2",
      kl_tokens: "response",
      chunk_words: 5,
      rejection_sampling: false,
    });
  });

  it("refuse unknown names, fields and values", () => {
    for (const bad of [
      { name: "asfd" },
      { name: "asft", lamda: 1 },
      { name: "asft", lambda: -1 },
      { name: "asft", rank: 0 },
      { name: "safe_lora", num_proj_layers: 0 },
      { name: "splora", num_pruned_layers: -1 },
      { name: "star_dss", guard: { kind: "probe" } },
      { name: "star_dss", kl_coefficient: -1 },
      { name: "star_dss", estimator: "k1" },
    ]) {
      expect(methodSchema.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
    }
  });

  it("have options whose defaults are the schema's", () => {
    for (const method of methods) {
      const { name, ...defaults } = method.schema.parse({ name: method.name }) as Record<string, unknown>;
      expect(name).toBe(method.name);
      expect(nested(method.options)).toEqual(defaults);
    }
  });

  it("say what they are, where they come from and what limits them", () => {
    for (const method of methods) {
      expect(method.cautions.length, method.name).toBeGreaterThan(0);
      expect(method.title && method.summary && method.about && method.evidence.note, method.name).toBeTruthy();
    }
  });

  it("label every choice, and make an option depend only on one that exists", () => {
    for (const { name, options } of methods) {
      for (const { choices, when } of options) {
        for (const { value, label } of choices) expect(label, `${name} ${value}`).not.toBe(value);
        if (when) expect(options.map((option) => option.name)).toContain(when.name);
      }
    }
  });

  it("need the unaligned twin only where they compare with it or train it", () => {
    const twin = (options: MethodInput): string => bindMethod(options).before.twin;
    expect(twin({ name: "sft" })).toBe("unused");
    expect(twin({ name: "asft" })).toBe("compared");
    expect(twin({ name: "asft", projector: "none" })).toBe("unused");
    expect(twin({ name: "asft", lambda: 0 })).toBe("unused");
    expect(twin({ name: "safe_lora" })).toBe("compared");
    expect(twin({ name: "splora" })).toBe("compared");
    expect(twin({ name: "lisa", start_from: "base" })).toBe("trained");
  });
});

/** Defaults by name; a name with dots is a field of another option, which applies while `when` says so. */
function nested(options: readonly MethodOption[]): object {
  const values: Record<string, unknown> = {};
  for (const { name, default: value, when } of options) {
    const [first = "", second] = name.split(".");
    if (second === undefined) values[first] = value;
    else if (when === undefined || optionValue(values, when.name) === when.value)
      values[first] = { ...(values[first] as object | undefined), [second]: value };
  }
  return values;
}

describe("a method's variant", () => {
  const called = (options: MethodInput): string => {
    const { title, settings } = bindMethod(options);
    return `${title}: ${settings}`;
  };

  it("has a title that says what it honestly is, and the settings that matter", () => {
    expect(called({ name: "sft" })).toBe("SFT: no penalty");
    expect(called({ name: "asft", lambda: 30 })).toBe("AsFT: λ 30, published projector");
    expect(called({ name: "asft", projector: "rank", rank: 8 })).toBe("AsFT, exact rank 8: λ 1");
    expect(called({ name: "asft", projector: "flat" })).toBe("AsFT, flattened: λ 1");
    expect(called({ name: "asft", projector: "flat_plus" })).toBe("AsFT, one-sided: λ 1");
    expect(called({ name: "asft", projector: "none" })).toBe("Plain L2: λ 1");
    expect(called({ name: "safe_lora" })).toBe("Safe LoRA: 10 modules projected");
    expect(called({ name: "safe_lora", select: "threshold" })).toBe("Safe LoRA: threshold 0.5");
    expect(called({ name: "splora" })).toBe("SPLoRA: 10 modules, distance by quartiles");
    expect(called({ name: "splora", select: "threshold", score: "cosine" })).toBe(
      "SPLoRA: threshold 0.5, cosine score",
    );
    expect(called({ name: "star_dss" })).toBe("STAR-DSS: λ 0.5, k2, guard rows");
    expect(called({ name: "star_dss", rejection_sampling: true })).toBe(
      "Rejection sampling: one score a row, guard rows",
    );
    expect(called({ name: "safe_instr" })).toBe("SafeInstr: 3 % safety rows");
    expect(called({ name: "safe_instr", amount: "count" })).toBe("SafeInstr: 100 safety rows");
    expect(called({ name: "bea" })).toBe("BEA: 11 safety rows behind a trigger");
    expect(called({ name: "lisa" })).toBe("Lisa: ρ 1, 100 : 900 steps");
    expect(called({ name: "lisa", start_from: "base" })).toBe("Lisa, from base: ρ 1, 100 : 900 steps");
    expect(called({ name: "lisa", rho: 0, start_from: "base" })).toBe("BSO: ρ 0, 100 : 900 steps, from base");
    expect(called({ name: "safe_merge" })).toBe("SafeMERGE: threshold 0.35, 0.8 : 0.2, factors");
  });

  it("has a mark of its own where it is another method in truth", () => {
    const mark = (options: MethodInput): string => bindMethod(options).mark.id;
    expect([mark({ name: "asft" }), mark({ name: "asft", projector: "none" })]).toEqual(["asft", "l2"]);
    for (const { name, marks } of methods) expect(marks).toContain(bindMethod({ name } as MethodInput).mark);
  });

  it("has a penalty to show exactly where its steps add one", () => {
    const shows = (options: MethodInput): boolean => bindMethod(options).penaltyText !== null;
    expect(shows({ name: "asft" })).toBe(true);
    expect(shows({ name: "lisa" })).toBe(true);
    expect(shows({ name: "lisa", rho: 0 })).toBe(false);
    expect(
      ["sft", "safe_lora", "safe_instr", "bea", "safe_merge", "splora"].some((name) => shows({ name } as MethodInput)),
    ).toBe(false);
  });

  it("is lighter step by step: every proposal is a valid spec of the method that needs no more memory", () => {
    const modules = [adapted("q", 64, 64, 8, 4), adapted("up", 96, 64, 8, 4)];
    for (const projector of ["safe_lora", "rank", "flat", "flat_plus", "none"] as const) {
      const bound = bindMethod({ name: "asft", projector });
      const bytes = [{ options: bound.options }, ...bound.lighter()].map(({ options }) =>
        bindMethod(options as MethodInput).deviceBytes(modules),
      );
      expect(bytes, projector).toEqual([...bytes].sort((a, b) => b - a));
    }
  });

  it("counts an invalid option of a draft as its default", () => {
    const method = methodNamed("asft");
    expect(method?.bindDraft({ lambda: "many", projector: "rank", rank: 3, other: 1 }).options).toEqual({
      name: "asft",
      lambda: 1,
      projector: "rank",
      rank: 3,
      penalty_scale: "ba",
    });
  });

  it("has a formula that says itself to a screen reader, and letters that are explained", () => {
    for (const { name } of methods) {
      const { label, letters, formula } = bindMethod({ name } as MethodInput).formula();
      expect(label.length, name).toBeGreaterThan(20);
      expect(letters.length, name).toBeGreaterThan(10);
      expect(formula.tag, name).toMatch(/^m/);
    }
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

  it("refuses a rank at which A and B of a module or the Gram matrices of all cannot be bound", () => {
    const asft = bindMethod({ name: "asft", projector: "none" });
    const bytes = (count: number, change: { readonly r: number; readonly inFeatures?: number }) =>
      asft.deviceBytes(layers(count).map((module) => ({ ...module, ...change })));
    expect(bytes(2, { r: 512 })).toBeGreaterThan(0);
    expect(() => bytes(2, { r: 1024, inFeatures: 40_000 })).toThrow(/A and B.*Lower r/s);
    expect(() => bytes(100, { r: 512 })).toThrow(/Gram matrices.*Lower r/s);
  });

  it("costs what it keeps", () => {
    const modules = layers(3);
    const bytes = (projector: "safe_lora" | "none" | "flat") =>
      bindMethod({ name: "asft", projector }).deviceBytes(modules);
    expect(bytes("safe_lora")).toBeGreaterThan(3 * 4 * (64 * 64 + 32 * 32 + 96 * 64));
    expect(bytes("flat")).toBeGreaterThan(3 * 4 * 64 * (64 + 32 + 96));
    expect(bytes("none")).toBeLessThan(3 * 4 * 64 * 64);
    expect(bindMethod({ name: "asft", lambda: 0 }).deviceBytes(modules)).toBe(0);
    expect(bindMethod({ name: "safe_lora" }).deviceBytes(modules)).toBe(0);
  });
});
