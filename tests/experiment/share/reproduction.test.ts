/** @file What counts as reproduced: bit for bit, within the tolerance, consistent, different. */
import { describe, expect, it } from "vitest";
import { compareRuns, LOSS_TOLERANCE, type Outcome } from "../../../src/experiment/share/reproduction.ts";
import { linkWithResults, readResults, resultsOf, type SharedResults } from "../../../src/experiment/share/results.ts";
import { finishedRun, LOSSES, reportWith, scoresWith, stepsOf } from "./runs.ts";

/** As it arrives, rounded by the journey. */
function received(): SharedResults {
  const read = readResults(linkWithResults("x=1.abc", resultsOf(finishedRun())));
  if (read.kind !== "read") throw new Error(read.kind);
  return read.results;
}

const outcome = (changes: Parameters<typeof finishedRun>[0]): Outcome =>
  compareRuns(received(), finishedRun(changes)).outcome;

describe("a run against what was sent", () => {
  it("is reproduced bit for bit when nothing differs", () => {
    const found = compareRuns(received(), finishedRun());
    expect(found.outcome).toBe("exact");
    expect(found.figures.map(({ name, moment, verdict }) => [name, moment, verdict])).toEqual([
      ["harmful_score", "before", "same"],
      ["task_accuracy", "before", "same"],
      ["benign_compliance", "before", "same"],
      ["harmful_score", "after", "same"],
      ["task_accuracy", "after", "same"],
      ["benign_compliance", "after", "same"],
    ]);
    expect(found.losses).toEqual({ stepsSent: 20, stepsHere: 20, identical: true, largestDifference: 0, compared: 8 });
  });

  it("is reproduced, not bit for bit, when one loss differs in its last bit", () => {
    const steps = stepsOf(LOSSES.map((ce, i) => (i === 11 ? ce + Number.EPSILON : ce)));
    const found = compareRuns(received(), finishedRun({ steps }));
    expect(found.outcome).toBe("reproduced");
    expect(found.losses.identical).toBe(false);
    expect(found.losses.largestDifference).toBeLessThan(1e-5);
  });

  it("sees a penalty that differs", () => {
    const steps = finishedRun().steps.map((step, i) => (i === 5 ? { ...step, penalty: 1e-9 } : step));
    expect(outcome({ steps })).toBe("reproduced");
  });

  it("knows whether the same kernels were used, where both say", () => {
    const report = finishedRun().report;
    const others = { ...report, kernels: { digest: "00000000", measured: {} } };
    expect(compareRuns(received(), finishedRun()).sameKernels).toBe(true);
    expect(compareRuns(received(), finishedRun({ report: others })).sameKernels).toBe(false);
    expect(compareRuns({ ...received(), kernels: null }, finishedRun()).sameKernels).toBeNull();
    // They explain a difference; where there is none they change nothing.
    expect(outcome({ report: others })).toBe("exact");
  });

  it("names rows that are others under the same name, where both say", () => {
    const report = finishedRun().report;
    const others = { ...report, data: { rows: "00000000", questions: "01234567" } };
    expect(compareRuns(received(), finishedRun()).otherData).toEqual([]);
    expect(compareRuns(received(), finishedRun({ report: others })).otherData).toEqual(["rows"]);
    expect(compareRuns({ ...received(), data: null }, finishedRun({ report: others })).otherData).toEqual([]);
    const { data: _, ...earlier } = report;
    expect(compareRuns(received(), finishedRun({ report: earlier })).otherData).toEqual([]);
  });

  it("is only consistent when losses differ by more than the tolerance", () => {
    expect(
      outcome({ steps: stepsOf(LOSSES.map((ce, i) => (i === LOSSES.length - 1 ? ce + 0.9 * LOSS_TOLERANCE : ce))) }),
    ).toBe("reproduced");
    expect(
      outcome({ steps: stepsOf(LOSSES.map((ce, i) => (i === LOSSES.length - 1 ? ce + 1.1 * LOSS_TOLERANCE : ce))) }),
    ).toBe("consistent");
  });

  it("is consistent when counts differ and intervals overlap, different when they lie apart", () => {
    const close = compareRuns(
      received(),
      finishedRun({ report: reportWith(scoresWith([0, 100]), scoresWith([39, 100], [98, 100])) }),
    );
    expect(close.outcome).toBe("consistent");
    expect(close.figures.find(({ name, moment }) => name === "harmful_score" && moment === "after")?.verdict).toBe(
      "overlap",
    );
    const far = compareRuns(
      received(),
      finishedRun({ report: reportWith(scoresWith([0, 100]), scoresWith([80, 100], [98, 100])) }),
    );
    expect(far.outcome).toBe("different");
    expect(far.figures.filter(({ verdict }) => verdict === "apart")).toHaveLength(1);
  });

  it("is different with other numbers of prompts, of steps, or a figure less", () => {
    expect(outcome({ report: reportWith(scoresWith([0, 100]), scoresWith([37, 101], [98, 100])) })).toBe("different");
    expect(outcome({ steps: stepsOf(LOSSES.slice(1)) })).toBe("different");
    expect(
      outcome({
        report: reportWith(scoresWith([0, 100]), { ...scoresWith([37, 100], [98, 100]), benign_compliance: null }),
      }),
    ).toBe("different");
  });

  it("compares perplexities by their logarithm", () => {
    const read = (nll: number): ReturnType<typeof reportWith> => {
      const scores = {
        harmful_score: null,
        task_accuracy: null,
        benign_compliance: null,
        perplexity: {
          perplexity: Math.exp(nll),
          nll,
          tokens: 99,
          rows: 9,
          ci95: { low: Math.exp(nll - 0.1), high: Math.exp(nll + 0.1) },
        },
      };
      return reportWith(scores, scores);
    };
    const sent = resultsOf(finishedRun({ report: read(2) }));
    const verdict = (nll: number): Outcome => compareRuns(sent, finishedRun({ report: read(nll) })).outcome;
    expect(verdict(2 + LOSS_TOLERANCE / 2)).toBe("exact");
    expect(verdict(2.05)).toBe("consistent");
    expect(verdict(3)).toBe("different");
  });
});
