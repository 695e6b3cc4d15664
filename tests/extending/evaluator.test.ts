/** @file A new task evaluator is one file and one line: everything else finds it in its description. */
import { expect, it, vi } from "vitest";
import type * as Evaluators from "../../src/eval/evaluators/list.ts";

vi.mock("../../src/eval/evaluators/list.ts", async (original) => {
  const { EVALUATORS } = await original<typeof Evaluators>();
  const { sameLength } = await import("./trivialEvaluator.ts");
  return { EVALUATORS: [...EVALUATORS, sameLength] };
});

const { helpFor } = await import("../../src/experiment/spec/specHelp.ts");
const { resolveSpec } = await import("../../src/experiment/spec/spec.ts");
const { chooseEvaluator, evaluatorNamed } = await import("../../src/eval/registry.ts");
const { SECTIONS } = await import("../../src/lab/setup/sections.ts");
const { scoresOf } = await import("../../src/lab/run/scoreList.ts");

const rows = { expected: ["four", "three"], labelNames: null };
/** The types of a spec know the listed evaluators only. */
const parseSpec = (spec: unknown) => resolveSpec(spec);
const spec = parseSpec({
  data: { train: { source: "file", path: "rows.jsonl" } },
  eval: { task: { source: "file", path: "rows.jsonl", kind: "same_length", slack: 1 } },
});

it("is accepted by the spec, its options beside those of the others", () => {
  expect(spec.eval.task).toMatchObject({ kind: "same_length", slack: 1 });
  expect(() => parseSpec({ eval: { task: { source: "file", path: "x", kind: "same_length", slack: -1 } } })).toThrow(
    /slack/,
  );
});

it("examines rows as its options say, and is never chosen where rows do not suit it", () => {
  const evaluator = evaluatorNamed("same_length");
  if (evaluator?.needs !== "answers") throw new Error("no evaluator of answers");
  const bound = evaluator.bind({ slack: 1 }, rows);
  expect(bound.judge("fives", "four").right).toBe(true);
  expect(bound.judge("sixes!", "four").right).toBe(false);
  expect(chooseEvaluator("auto", rows).kind).not.toBe("same_length");
});

it("is offered by the form with its label and its fields, and captions its figure", () => {
  expect(helpFor("eval.task.kind", spec)?.options).toContain("same_length");
  expect(helpFor("eval.task.kind", spec)?.labels?.["same_length"]).toBe("the right length");
  expect(helpFor("eval.task.slack", spec)?.title).toBe("Slack");
  expect(SECTIONS.find(({ id }) => id === "eval")?.basic).toContain("eval.task.slack");
  expect(scoresOf(spec, []).find(({ kind, name }) => kind === "rate" && name === "Task accuracy")?.hint).toMatch(
    /answers of the right length/,
  );
});
