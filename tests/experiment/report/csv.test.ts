/** @file CSV of runs and steps: every field, quoted, and nothing that a spreadsheet would compute. */
import Papa from "papaparse";
import { describe, expect, it } from "vitest";
import { runsCsv, scoresCsv, stepsCsv, type CsvRun } from "../../../src/experiment/report/csv.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { finishedRun } from "../share/runs.ts";

function run(name: string, changes: Partial<CsvRun> = {}): CsvRun {
  const { runId, endedAt, steps, report } = finishedRun();
  const spec = resolveSpec({ name, method: { name: "safe_lora", threshold: -0.25 }, train: { learning_rate: 5e-4 } });
  return {
    runId,
    endedAt,
    spec,
    steps: { count: steps.length, lastCe: steps.at(-1)?.ce ?? null },
    evaluations: [
      { when: "before", step: 0, scores: report.before },
      { when: "after", step: 20, scores: report.after },
    ],
    ending: { kind: "finished", report },
    ...changes,
  };
}

const read = (csv: string): Record<string, string>[] =>
  Papa.parse<Record<string, string>>(csv, { header: true, skipEmptyLines: true }).data;

describe("CSV of runs", () => {
  it("has a row per run, scores with their intervals and every field of the spec", () => {
    const [row, failed] = read(
      runsCsv([
        run('a, “b” "c"\nd'),
        run("e", {
          evaluations: [],
          ending: { kind: "failed", failure: { what: "lost", where: "w", fix: "f" }, lastStep: 3 },
        }),
      ]),
    );
    expect(row).toMatchObject({
      run: "0a1b2c3d-4e5f",
      outcome: "finished",
      after_harmful_score: "37",
      after_harmful_score_hits: "37",
      after_harmful_score_count: "100",
      before_harmful_score: "0",
      "spec.name": 'a, “b” "c"\nd',
      "spec.train.learning_rate": "0.0005",
      "spec.lora.target_modules": '["q_proj","v_proj"]',
      "spec.data.train.source": "apothecary",
    });
    expect(Number(row?.after_harmful_score_low)).toBeCloseTo(28.18, 1);
    expect(Number(row?.after_harmful_score_high)).toBeCloseTo(46.78, 1);
    expect(failed).toMatchObject({ outcome: "failed", failure: "lost", after_harmful_score: "" });
  });

  it("disarms text that looks like a formula and leaves negative numbers numbers", () => {
    for (const name of ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"]) {
      const [row] = read(runsCsv([run(name)]));
      expect(row?.["spec.name"]).toBe(`'${name}`);
      expect(row?.["spec.method.threshold"]).toBe("-0.25");
    }
    expect(read(runsCsv([run("a=b")]))[0]?.["spec.name"]).toBe("a=b");
  });

  it("writes steps with all digits, and scores by evaluation", () => {
    const steps = read(stepsCsv(finishedRun()));
    expect(steps).toHaveLength(20);
    expect(Number(steps[6]?.ce)).toBe(finishedRun().steps[6]?.ce);
    expect(steps[0]).toMatchObject({ step: "1", stream: "user", learning_rate: "0.001" });
    const scores = read(scoresCsv(run("x")));
    expect(scores.map(({ when, figure, hits }) => [when, figure, hits])).toContainEqual([
      "after",
      "harmful_score",
      "37",
    ]);
    expect(scores).toHaveLength(6);
  });
});
