/** @file A new method is one file and one line: the spec, the form, the reports and the replay find it there. */
import { expect, it, vi } from "vitest";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import { finishedRun } from "../experiment/share/runs.ts";
import type * as Methods from "../../src/methods/list.ts";

vi.mock("../../src/methods/list.ts", async (original) => {
  const { METHODS } = await original<typeof Methods>();
  const { shrink } = await import("./trivialMethod.ts");
  return { METHODS: [...METHODS, shrink] };
});

const { bindMethod, methods } = await import("../../src/methods/registry.ts");
const { resolveSpec } = await import("../../src/experiment/spec/spec.ts");
const { helpFor, specJsonSchema } = await import("../../src/experiment/spec/specHelp.ts");
const { apothecaryMethod } = await import("../../src/experiment/spec/presets.ts");
const { methodSettings, methodTitle } = await import("../../src/experiment/spec/names.ts");
const { METHOD_KINDS, methodFields, SECTIONS } = await import("../../src/lab/setup/sections.ts");
const { methodColor } = await import("../../src/lab/run/labels.ts");
const { themeCss } = await import("../../src/lab/shell/app/styles.ts");
const { htmlReport } = await import("../../src/experiment/report/htmlReport.ts");
const { methodAccount } = await import("../../src/experiment/report/methodAccount.ts");
const { exportPython } = await import("../../src/experiment/replay/pythonExport.ts");
const { resolveTable } = await import("../../src/experiment/table/tableSpec.ts");
const { expandTable } = await import("../../src/experiment/table/expand.ts");

/** The types of a spec know the listed methods only. */
const parseSpec = (spec: unknown) => resolveSpec(spec);
const spec = parseSpec({ method: { name: "shrink", factor: 0.5 } });

it("is accepted by the spec, with its defaults filled in and its limits checked", () => {
  expect(spec.method).toEqual({ name: "shrink", factor: 0.5, rounding: "none" });
  expect(() => parseSpec({ method: { name: "shrink", factor: 2 } })).toThrow(/method\.factor/);
  expect(() => parseSpec({ method: { name: "shrink", rank: 2 } })).toThrow(/rank/);
  expect(JSON.stringify(specJsonSchema)).toContain('"const":"shrink"');
});

it("is offered by the form under its kind, with its options, their words and its options for the small world", () => {
  const method = methods.find(({ name }) => name === "shrink");
  expect(METHOD_KINDS).toContain(method?.kind);
  const section = SECTIONS.find(({ id }) => id === "method");
  expect(section?.basic).toContain("method.factor");
  expect(section?.advanced).toContain("method.rounding");
  expect(methodFields(bindMethod(spec.method), false).map(({ name }) => name)).toEqual(["factor"]);
  expect(helpFor("method.factor", spec)).toMatchObject({ title: "Factor", minimum: 0, maximum: 1, default: 0.5 });
  expect(helpFor("method.rounding", spec)?.labels).toEqual({ none: "not at all", f16: "to 16 bits" });
  expect(apothecaryMethod("shrink")).toEqual({ name: "shrink", factor: 0.25 });
});

it("has a title, settings, a colour, a shape and a formula", () => {
  expect([methodTitle(spec.method), methodSettings(spec.method)]).toEqual(["Shrink", "factor 0.5"]);
  expect(methodTitle(parseSpec({ method: { name: "shrink", factor: 0 } }).method)).toBe("Nothing learned");
  expect(methodColor(spec.method)).toBe("--shrink");
  expect(["--shrink: #7a3b00", "--shrink: #ffd6a8"].filter((color) => !themeCss().includes(color))).toEqual([]);
  expect(bindMethod(spec.method).mark.shape).toBe("circle");
  expect(bindMethod(spec.method).formula().label).toBe("B becomes a factor times B");
});

it("is told in a report: what it is, its formula in MathML, its figures under their titles", async () => {
  const { runId, endedAt, steps, report } = finishedRun();
  const log = { factor: 0.5, modules: [{ path: "model.layers.0.self_attn.q_proj", left: 0.5 }] };
  const ending = { kind: "finished", report: { ...report, method: log } } as const;
  const html = await htmlReport([{ runId, endedAt, spec, steps, evaluations: [], ending }], {
    madeAt: 0,
    basin: "0",
    samples: 0,
    linkOf: () => "x=1",
  });
  expect(html).toContain("Shrink, factor 0.5");
  expect(html).toContain("<mi>B</mi><mo>←</mo><mi>c</mi><mi>B</mi>");
  expect(html).toContain("Factor of B");
  expect(html).toContain("--shrink: #7a3b00");
  expect(html).toContain('class="line c-shrink"');
  expect(methodAccount(log, bindMethod(spec.method).description).modules?.rows).toEqual([
    ["0.self_attn.q_proj", "50\u202f%"],
  ]);
});

it("is a row of a table of experiments", async () => {
  const table = resolveTable({ axes: { method: { Shrunk: { name: "shrink" }, SFT: "sft" } }, baseline: "SFT" });
  const cells = await expandTable(table);
  expect(cells.map(({ labels }) => labels.method)).toEqual(["Shrunk", "SFT"]);
  expect(cells[0]?.spec.method).toEqual({ name: "shrink", factor: 0.5, rounding: "none" });
});

it("is refused by the replay in PyTorch, which it does not support, with those that do", async () => {
  const exported = exportPython({
    spec,
    environment: nodeEnvironment(),
    placeOf: (name) => ({ kind: "named", name }),
  });
  await expect(exported).rejects.toThrow(/Shrink \(shrink\) cannot be replayed[^]*SFT, AsFT, Safe LoRA/);
});
