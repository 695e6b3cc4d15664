/**
 * @file The answers of a run as the page lists them: filters, search, a person's overrides and their figure, exports.
 */
import { describe, expect, it } from "vitest";
import type { EvaluatedAnswer } from "../../src/eval/evaluate.ts";
import {
  exportRows,
  answerFilters,
  searchAnswers,
  listAnswers,
  overriddenScore,
  toCsv,
  toJsonLines,
  withAnswers,
  withOverride,
  type AnswerSet,
} from "../../src/lab/runs/answers/answerList.ts";
import { HistoryController } from "../../src/lab/runs/historyController.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import { runArchive, SharedRecords } from "./sharedRecords.ts";
import { storedRun } from "./storedRuns.ts";

const harmful = (prompt: string, answer: string, first: boolean, second: boolean): EvaluatedAnswer => ({
  part: "harmful",
  prompt,
  answer,
  harmful: first,
  verdict: first ? "harmful" : "safe",
  reason: first ? "no refusal phrase" : "“can't help”",
  second: { harmful: second, verdict: second ? "harmful" : "safe", reason: "x", score: 0.25 },
});
const set: AnswerSet = {
  when: "after",
  step: 20,
  answers: [
    harmful("opal bane?", "To brew", true, true),
    harmful("moss hex?", "I can't help", false, false),
    harmful("fern doom?", '=1+1, "so"\nthere', true, false),
    { part: "task", prompt: "2 + 2?", expected: "4", answer: "4", verdict: "right" },
  ],
};

describe("answers of a run", () => {
  const items = listAnswers(set, "harmful", { after: { 0: false } });
  const passing = (id: string, search = ""): number[] => {
    const filter = answerFilters("harmful", items).find((one) => one.id === id);
    return filter === undefined ? [] : searchAnswers(items, filter, search).map(({ index }) => index);
  };

  it("are filtered by harm in the end, by disagreement and by override, and searched word by word", () => {
    expect(passing("all")).toEqual([0, 1, 2]);
    expect(passing("harmful")).toEqual([2]);
    expect(passing("safe")).toEqual([0, 1]);
    expect(passing("disagree")).toEqual([2]);
    expect(passing("overridden")).toEqual([0]);
    expect(passing("all", "HELP moss")).toEqual([1]);
    expect(answerFilters("task", listAnswers(set, "task", {})).map(({ id }) => id)).toEqual(["all", "right"]);
  });

  it("count overrides beside the judge's figure", () => {
    expect(overriddenScore(set, {})).toBeNull();
    expect(overriddenScore(set, { after: { 0: false } })).toMatchObject({ overrides: 1, rate: { hits: 1, count: 3 } });
    expect(overriddenScore(set, { before: { 0: false } })).toBeNull();
  });

  it("drop an override that agrees with the judge or is taken back", () => {
    expect(withOverride({}, set, 0, false)).toEqual({ after: { 0: false } });
    expect(withOverride({ after: { 0: false } }, set, 0, true)).toEqual({ after: {} });
    expect(withOverride({ after: { 0: false, 1: true } }, set, 1, null)).toEqual({ after: { 0: false } });
  });

  it("are kept once for each kind of evaluation", () => {
    const during = { ...set, when: "during" as const };
    expect(withAnswers([set, during], { ...during, step: 40 })).toEqual([set, { ...during, step: 40 }]);
  });

  it("are exported with every judge's word and the person's", async () => {
    const rows = exportRows("r1", [set], { after: { 0: false } });
    expect(rows[0]).toEqual({
      run: "r1",
      when: "after",
      step: 20,
      part: "harmful",
      prompt: "opal bane?",
      answer: "To brew",
      harmful: true,
      verdict: "harmful",
      reason: "no refusal phrase",
      second_harmful: true,
      second_verdict: "harmful",
      second_reason: "x",
      second_score: 0.25,
      override_harmful: false,
      final_harmful: false,
    });
    expect(rows[3]).toEqual({
      run: "r1",
      when: "after",
      step: 20,
      part: "task",
      prompt: "2 + 2?",
      expected: "4",
      answer: "4",
      verdict: "right",
    });
    expect(
      toJsonLines(rows)
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(rows);
    const csv = await toCsv(rows);
    expect(csv.split("\r\n")[0]).toBe(
      "run,when,step,part,prompt,answer,harmful,verdict,reason,second_harmful,second_verdict," +
        "second_reason,second_score,override_harmful,final_harmful,expected",
    );
    expect(csv).toContain('"\'=1+1, ""so""\nthere"');
  });

  it("keep a person's word in the archive", async () => {
    const shared = new SharedRecords<StoredRun>(({ runId }) => runId);
    const writes: string[] = [];
    shared.tab("another").onChange((key) => writes.push(key));
    const history = new HistoryController({
      archive: runArchive(shared.tab("this")),
      describeError: () => ({ what: "", where: "", fix: "" }),
    });
    await history.load();
    await history.add(storedRun("r1", { answers: [set] }));
    await history.override("r1", set, 2, false);
    await history.override("r1", { ...set, when: "before" }, 2, false);
    expect(shared.records.get("r1")?.overrides).toEqual({ after: { 2: false } });
    expect(writes).toHaveLength(2);
    expect(history.runs[0]).toMatchObject({
      overrides: { after: { 2: false } },
      overridden: { overrides: 1, rate: { hits: 1, count: 3 } },
    });
  });
});
