/** @file The spec store with the real schema, presets and links. */
import { describe, expect, it } from "vitest";
import { fieldHelp, helpFor } from "../../src/experiment/spec/specHelp.ts";
import { apothecaryMethod } from "../../src/experiment/spec/presets.ts";
import { codec } from "../../src/lab/setup/codec.ts";
import { fromNumberText, fromTargetsText, toNumberText, toTargetsText } from "../../src/lab/setup/textFormats.ts";
import { methods } from "../../src/methods/registry.ts";
import { METHOD_KINDS, methodFields, SECTIONS } from "../../src/lab/setup/sections.ts";
import { createSpecStore, type SpecStore } from "../../src/lab/setup/specStore.ts";
import { toFailure } from "../../src/lab/support/failure.ts";
import { getPath, setPath } from "../../src/lab/support/json.ts";

const make = (): SpecStore => createSpecStore(codec, (error) => toFailure(error, "link"));

describe("the spec store", () => {
  it("begins with the first preset, which is valid", () => {
    const store = make();
    expect(store.getState().origin).toEqual({ kind: "preset", id: codec.presets[0]?.id });
    expect(store.getState().check.kind).toBe("valid");
  });

  it("every preset is valid", () => {
    for (const preset of codec.presets) expect(codec.check(preset.draft), preset.id).toMatchObject({ kind: "valid" });
  });

  it("a field that is set becomes part of the draft, its default brings it back out", () => {
    const store = make();
    store.getState().set("lora.r", 16);
    expect(getPath(store.getState().draft, "lora.r")).toBe(16);
    expect(store.getState().origin.kind).toBe("edited");
    store.getState().set("lora.r", undefined);
    expect(getPath(store.getState().draft, "lora")).toBeUndefined();
    expect(store.getState().origin.kind).toBe("preset");
  });

  it("says which field is wrong and how to correct it", () => {
    const store = make();
    store.getState().set("train.learning_rate", "fast");
    const { check } = store.getState();
    expect(check.kind === "invalid" && check.problems.map(({ path }) => path)).toEqual(["train.learning_rate"]);
    expect(check.kind === "invalid" && check.problems[0]?.fix).toBe("Minimum: 0. Default: 0.00005.");
  });

  it("JSON text that does not parse leaves the draft as it was and names the line", () => {
    const store = make();
    const before = store.getState().draft;
    store.getState().type('{\n  "lora": { "r": 4,, }\n}');
    expect(store.getState().draft).toBe(before);
    expect(store.getState().typing?.error).toMatch(/line 2/);
    store.getState().endTyping();
    expect(store.getState().typing).not.toBeNull();
    store.getState().discardTyping();
    expect(store.getState().typing).toBeNull();
  });

  it("JSON text that parses is the draft at once", () => {
    const store = make();
    store.getState().type('{"lora":{"r":4}}');
    expect(store.getState().draft).toEqual({ lora: { r: 4 } });
    store.getState().endTyping();
    expect(store.getState().typing).toBeNull();
  });

  it("a link over edited settings waits for the user, unless they are saved or the same", () => {
    let isSaved = false;
    const store = createSpecStore(codec, (error) => toFailure(error, "link"), { isSaved: () => isSaved });
    const link = (seed: number): string => codec.toFragment({ train: { seed } });
    const seed = (): unknown => getPath(store.getState().draft, "train.seed");
    expect(store.getState().openFragment(link(5))).toBe("opened");
    store.getState().set("train.seed", 6);
    expect(store.getState().openFragment(link(6))).toBe("opened");
    store.getState().set("train.seed", 7);
    expect(store.getState().openFragment(link(8))).toBe("waiting");
    expect(seed()).toBe(7);
    store.getState().dismissWaiting();
    expect([seed(), store.getState().waiting]).toEqual([7, null]);
    store.getState().replace({ train: { seed: 9 } }, { kind: "run", runId: "a" });
    expect(seed()).toBe(7);
    store.getState().acceptWaiting();
    expect([seed(), store.getState().waiting]).toEqual([9, null]);
    expect(store.getState().replaced).toMatchObject({ train: { seed: 7 } });
    store.getState().set("train.seed", 10);
    isSaved = true;
    expect(store.getState().openFragment(link(11))).toBe("opened");
  });

  it("says which settings the user has edited, and not which were replaced", () => {
    const seen: unknown[] = [];
    const edited = (before: unknown, after: unknown): void => void seen.push([before, after]);
    const store = createSpecStore(codec, (error) => toFailure(error, "link"), { edited });
    store.getState().replace({ lora: { r: 4 } }, { kind: "link" });
    expect(seen).toEqual([]);
    store.getState().set("lora.r", 5);
    store.getState().type('{"lora":{"r":6}}');
    expect(seen).toEqual([
      [{ lora: { r: 4 } }, { lora: { r: 5 } }],
      [{ lora: { r: 5 } }, { lora: { r: 6 } }],
    ]);
  });

  it("a preset over edited settings can be undone", () => {
    const store = make();
    store.getState().set("lora.r", 3);
    const edited = store.getState().draft;
    const second = codec.presets[1];
    if (second === undefined) throw new Error("there is only one preset");
    store.getState().replace(second.draft, { kind: "preset", id: second.id });
    expect(store.getState().replaced).toEqual(edited);
    store.getState().undoReplace();
    expect(store.getState().draft).toEqual(edited);
  });

  it("a link brings back the same experiment", () => {
    for (const preset of codec.presets) {
      const store = make();
      expect(store.getState().openFragment(codec.toFragment(preset.draft))).toBe("opened");
      expect(store.getState().check).toEqual(codec.check(preset.draft));
      expect(store.getState().origin.kind).toBe("link");
    }
  });

  it("a truncated link changes nothing, is kept, and says so", () => {
    const store = make();
    store.getState().set("lora.r", 3);
    const before = store.getState().draft;
    const fragment = codec.toFragment(before).slice(0, -6);
    expect(store.getState().openFragment(fragment)).toBe("failed");
    expect(store.getState().draft).toBe(before);
    expect(store.getState().linkProblem).toMatchObject({
      fragment,
      failure: { what: expect.stringMatching(/incomplete or damaged/) },
    });
    store.getState().dismissLinkProblem();
    expect(store.getState().linkProblem).toBeNull();
  });

  it("a link of a newer version says that it is newer", () => {
    const store = make();
    expect(store.getState().openFragment("x=99.abcd")).toBe("failed");
    expect(store.getState().linkProblem?.failure.what).toMatch(/newer/);
  });

  it("a fragment without a spec is no link", () => {
    expect(make().getState().openFragment("section")).toBe("empty");
  });
});

describe("the form", () => {
  const shown = new Set(SECTIONS.flatMap(({ basic, advanced }) => [...basic, ...advanced]));

  it("shows only fields that the spec has", () => {
    const known = new Set(fieldHelp.map(({ path }) => path));
    expect([...shown].filter((path) => !known.has(path))).toEqual([]);
  });

  it("shows every field of the spec, but for those that another control sets", () => {
    const elsewhere = new Set([
      "version",
      "name",
      "eval.harmful.source",
      "eval.task.source",
      "eval.benign.source",
      "eval.task.task",
    ]);
    // Set beside the rows they map, in the data area.
    const mapped = /^(data\.train|eval\.task)\.(columns\.\w+|prompt|label_names|labels)$/;
    const missing = fieldHelp
      .filter(({ kind, path }) => kind !== "group" && !shown.has(path) && !elsewhere.has(path) && !mapped.test(path))
      .map(({ path }) => path);
    expect([...new Set(missing)]).toEqual([]);
  });

  it("offers every method, each with its own fields and no other's", () => {
    expect(methods.filter(({ kind }) => !METHOD_KINDS.includes(kind))).toEqual([]);
    for (const method of methods) {
      const bound = method.bind({ name: method.name });
      const fields = [false, true].flatMap((advanced) =>
        methodFields(bound, advanced).map(({ name }) => `method.${name}`),
      );
      for (const path of fields)
        expect(helpFor(path, { method: { name: method.name } })?.when?.equals, path).toContain(method.name);
      const hidden = Object.keys(bound.options).filter(
        (option) => option !== "name" && !fields.some((path) => `${path}.`.startsWith(`method.${option}.`)),
      );
      expect(hidden, method.name).toEqual(
        { asft: ["rank"], safe_lora: ["threshold"], splora: ["threshold"], safe_instr: ["safety_count"] }[
          method.name
        ] ?? [],
      );
    }
  });

  it("begins each method on the apothecary world with options that it has", () => {
    for (const { name } of methods)
      expect(codec.check({ method: apothecaryMethod(name) }), name).toMatchObject({
        kind: "valid",
        spec: { method: apothecaryMethod(name) },
      });
  });

  it("explains every value of a choice that it draws as cards", () => {
    const cards = methods.flatMap(({ options }) => options.filter(({ choices }) => choices.some(({ note }) => note)));
    expect(cards.map(({ name }) => name)).toEqual(["projector"]);
    for (const { choices } of cards)
      for (const { value, note, formula } of choices) expect(note && formula, value).toBeTruthy();
  });

  it("reads numbers as people write them", () => {
    expect(fromNumberText("5e-5")).toBe(5e-5);
    expect(fromNumberText(" 0,1 ")).toBe(0.1);
    expect(fromNumberText("\u22121")).toBe(-1);
    expect(fromNumberText("")).toBeUndefined();
    expect(fromNumberText("1e")).toBe("1e");
    expect(toNumberText(0.00005)).toBe("5e-5");
    expect(toNumberText(0.0005)).toBe("0.0005");
    expect(toNumberText("1e")).toBe("1e");
  });

  it("reads target modules as a list, a pattern or all-linear", () => {
    expect(fromTargetsText("q_proj, v_proj")).toEqual(["q_proj", "v_proj"]);
    expect(fromTargetsText("q_proj")).toEqual(["q_proj"]);
    expect(fromTargetsText("all-linear")).toBe("all-linear");
    expect(fromTargetsText(".*mlp.*")).toBe(".*mlp.*");
    expect(fromTargetsText("")).toBeUndefined();
    expect(toTargetsText(["q_proj", "v_proj"])).toBe("q_proj, v_proj");
  });
});

describe("paths in JSON", () => {
  it("set without touching the rest, remove what becomes empty", () => {
    const before = { a: { b: 1 }, c: 2 };
    expect(setPath(before, "a.d", 3)).toEqual({ a: { b: 1, d: 3 }, c: 2 });
    expect(setPath(before, "a.b", undefined)).toEqual({ c: 2 });
    expect(before).toEqual({ a: { b: 1 }, c: 2 });
  });
});
