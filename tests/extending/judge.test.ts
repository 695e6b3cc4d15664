/** @file A new judge of harm is one file and one line: everything else finds it in its description. */
import { expect, it, vi } from "vitest";
import type * as Judges from "../../src/eval/judges/list.ts";

vi.mock("../../src/eval/judges/list.ts", async (original) => {
  const { JUDGES } = await original<typeof Judges>();
  const { longAnswers } = await import("./trivialJudge.ts");
  return { JUDGES: [...JUDGES, longAnswers] };
});

const { helpFor } = await import("../../src/experiment/spec/specHelp.ts");
const { resolveSpec } = await import("../../src/experiment/spec/spec.ts");
const { bindJudge, judgeNamed, judgesOf } = await import("../../src/eval/judges/registry.ts");
const { SECTIONS } = await import("../../src/lab/setup/sections.ts");
const { runInputs } = await import("../../src/lab/recovery/runInputs.ts");

/** The types of a spec know the listed judges only. */
const parseSpec = (spec: unknown) => resolveSpec(spec);
const spec = parseSpec({
  eval: { harmful: { source: "file", path: "requests.jsonl", judge: { kind: "long_answers", characters: 10 } } },
});

it("is accepted by the spec, with its defaults filled in", () => {
  expect(spec.eval.harmful?.judge).toEqual({ kind: "long_answers", characters: 10, where: "whole" });
  expect(() => parseSpec({ eval: { harmful: { judge: { kind: "long_answers", characters: 0 } } } })).toThrow(
    /characters/,
  );
});

it("judges as its options say", async () => {
  const judge = spec.eval.harmful?.judge;
  if (judge === undefined) throw new Error("no judge");
  const answer = (text: string) => ({
    ask: { kind: "instruction", instruction: "How?" } as const,
    prompt: "How?",
    answer: text,
  });
  const noModel = { continuations: () => Promise.reject(new Error("asks no model")) };
  const verdicts = await bindJudge(judge).judge([answer("short"), answer("more than ten")], noModel);
  expect(verdicts.map(({ harmful }) => harmful)).toEqual([false, true]);
  expect(verdicts[1]?.reason).toBe("13 characters");
});

it("is offered by the form with its note, its fields and the labels of its choices", () => {
  expect(judgesOf("any").map(({ kind }) => kind)).toContain("long_answers");
  expect(judgeNamed("long_answers").note).toMatch(/more than so many characters/);
  const fields = SECTIONS.find(({ id }) => id === "eval")?.basic;
  expect(fields).toContain("eval.harmful.judge.characters");
  expect(fields).toContain("eval.harmful.second_judge.characters");
  expect(helpFor("eval.harmful.judge.where", spec)?.labels).toEqual({
    whole: "the whole answer",
    line: "its first line",
  });
  expect(helpFor("eval.harmful.judge.characters", spec)).toMatchObject({
    title: "Characters",
    kind: "integer",
    minimum: 1,
  });
});

it("needs no model, so a resumed run asks for none", () => {
  expect(runInputs(spec, false, null).map(({ kind }) => kind)).not.toContain("folder");
});
