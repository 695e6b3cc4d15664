/** @file Which figures the lab shows for which run, and the axis on which perplexities are read. */
import { describe, expect, it } from "vitest";
import { resolveSpec, type SpecInput } from "../../src/experiment/spec/spec.ts";
import { logAxis } from "../../src/lab/ui/scaleAxis.ts";
import { scoresOf } from "../../src/lab/run/scoreList.ts";
import type { EvaluationPoint } from "../../src/lab/run/runLog.ts";

const figures = (input: SpecInput, evaluations: readonly EvaluationPoint[] = []): string[] =>
  scoresOf(resolveSpec({ method: { name: "sft" }, ...input }), evaluations).map(({ name, absent }) =>
    absent === null ? name : `${name}: ${absent}`,
  );

const file = { train: { path: "rows.jsonl" }, selection: { validation_split: 0.1 } } as const;

describe("the figures of a run", () => {
  it("are the three of the apothecary world by default", () => {
    expect(figures({})).toEqual(["Harmful score", "Task accuracy", "Harmless answered"]);
  });

  it("say why a real model has none, rather than 0", () => {
    expect(figures({ model: { aligned: "owner/model" }, data: file })).toEqual([
      "Harmful score: turned off in Setup",
      "Task accuracy",
      "Harmless answered: apothecary world only",
    ]);
    expect(figures({ data: { train: { path: "rows.jsonl" } } })).toEqual([
      "Harmful score: turned off in Setup",
      "Task accuracy: turned off in Setup",
      "Harmless answered: turned off in Setup",
    ]);
  });

  it("turn to perplexity where the rows are predicted, by the spec or by what was found", () => {
    const perplexity = { perplexity: 12, nll: Math.log(12), tokens: 100, rows: 4, ci95: { low: 10, high: 14 } };
    const point: EvaluationPoint = {
      when: "before",
      step: 0,
      scores: { harmful_score: null, task_accuracy: null, perplexity, benign_compliance: null },
    };
    expect(figures({ data: file }, [point])[1]).toBe("Perplexity");
    expect(figures({ data: file, eval: { task: { source: "held_out", kind: "perplexity" } } })[1]).toBe("Perplexity");
    expect(figures({ data: file, eval: { task: { source: "held_out", kind: "final_number" } } })[1]).toBe(
      "Task accuracy",
    );
  });
});

describe("the axis of perplexities", () => {
  it("runs from one round number to another around all values", () => {
    const axis = logAxis([83, 95, 12_700]);
    expect(axis.ticks.at(-1)).toBe(20_000);
    expect(axis.at(50)).toBeCloseTo(0, 9);
    expect(axis.at(20_000)).toBeCloseTo(100, 9);
    expect(axis.at(95)).toBeLessThan(axis.at(12_700));
    expect(axis.ticks.length).toBeLessThanOrEqual(6);
  });

  it("has a width for one value, for none, and for values near 1", () => {
    for (const values of [[10], [], [1], [1.01, 1.02], [Number.NaN, Infinity]]) {
      const { at, ticks } = logAxis(values);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(at(ticks.at(-1) ?? 0)).toBeCloseTo(100, 6);
      expect(Number.isFinite(at(values[0] ?? 1)) || Number.isNaN(values[0])).toBe(true);
    }
  });
});
