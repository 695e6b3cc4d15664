/**
 * @file A new analysis is one file and one line: it is listed, gets its inputs, and its result is drawn from its
 * columns.
 */
import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";
import type * as Analyses from "../../src/analysis/list.ts";

vi.mock("../../src/analysis/list.ts", async (original) => {
  const { ANALYSES } = await original<typeof Analyses>();
  const { countModules } = await import("./trivialAnalysis.ts");
  return { ANALYSES: [...ANALYSES, countModules] };
});

const { analysisNamed } = await import("../../src/analysis/registry.ts");
const { runAnalysis } = await import("../../src/experiment/analyse/runAnalysis.ts");

const folder = new URL("../fixtures/adapters/patterns/", import.meta.url);
const environment = {
  openModel: () => Promise.reject(new Error("it needs no model")),
  readAdapter: () =>
    Promise.resolve({
      "adapter_config.json": new Uint8Array(readFileSync(new URL("adapter_config.json", folder))),
      "adapter_model.safetensors": new Uint8Array(readFileSync(new URL("adapter_model.safetensors", folder))),
    }),
};

it("is found by its name", () => {
  expect(analysisNamed("count_modules").question).toMatch(/How many modules/);
});

it("is given the inputs that it needs and no others", async () => {
  const request = { name: "count_modules", adapter: "somewhere", aligned: "some/model" };
  const { figures } = await runAnalysis(request, environment);
  expect(figures[0]?.value).toBeGreaterThan(0);
  const none = await runAnalysis({ ...request, options: { at_least: 1000 } }, environment);
  expect(none.figures[0]?.value).toBe(0);
});

it("has its options checked", async () => {
  await expect(
    runAnalysis({ name: "count_modules", adapter: "somewhere", options: { at_least: -1 } }, environment),
  ).rejects.toThrow(/at_least/);
});
