/**
 * @file Runs that examine real rows, end to end on the bundled model: rows of their own, or held out; each evaluator.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { Gpu } from "../../../src/engine/device.ts";
import type { EvaluatedAnswer } from "../../../src/eval/evaluate.ts";
import type { RunEvent, RunReport } from "../../../src/experiment/run/events.ts";
import { runExperiment } from "../../../src/experiment/run/runner.ts";
import { type SpecInput, resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { testGpu } from "../../support/gpu.ts";

const folder = mkdtempSync(join(tmpdir(), "basin-eval-"));
afterAll(() => rmSync(folder, { recursive: true }));

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

function file(name: string, rows: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

const labels = ["red", "blue"];
const colours = (count: number, from = 0): object[] =>
  Array.from({ length: count }, (_, i) => ({
    instruction: "Which colour?",
    input: `item ${i + from}`,
    output: labels[i % 2],
  }));

interface Recorded {
  readonly report: RunReport;
  readonly told: readonly string[];
  readonly answers: readonly (EvaluatedAnswer & { readonly when: string })[];
  readonly planned: number;
}

async function run(input: SpecInput): Promise<Recorded> {
  const told: string[] = [];
  const answers: (EvaluatedAnswer & { when: string })[] = [];
  let planned = 0;
  const tell = (event: RunEvent): void => {
    if (event.type === "phase" && event.detail !== undefined) told.push(event.detail);
    if (event.type === "plan") planned = event.memory.generation;
  };
  const spec = resolveSpec({
    method: { name: "sft" },
    ...input,
    train: { learning_rate: 3e-3, lr_scheduler_type: "constant", ...input.train },
  });
  const result = await runExperiment({
    runId: "eval",
    spec,
    gpu,
    environment: nodeEnvironment(),
    outputs: {
      onEvent: tell,
      onAnswers: (when, _, list) => answers.push(...list.map((answer) => ({ when, ...answer }))),
    },
  });
  if (result.outcome === "failed") throw result.error;
  return { report: result.report, told, answers, planned };
}

describe("a run", () => {
  it("counts labels of a file of its own, by a rule detected from the rows", async () => {
    const { report, told, answers, planned } = await run({
      data: { train: { path: file("colours.jsonl", colours(16)) } },
      train: { max_steps: 12, per_device_train_batch_size: 8 },
      eval: { task: { source: "file", path: file("colours-test.jsonl", colours(6, 4)) }, max_new_tokens: 8 },
    });
    expect(told.some((line) => line.includes("label match, detected from the rows"))).toBe(true);
    // Items 4 to 9 end on the colours of 0 to 5 and repeat training rows.
    expect(told.some((line) => line.includes("6 of the 6 rows") && line.includes("also trained on"))).toBe(true);
    expect(report.task).toContain("label match, exact");
    expect(report.judge).toBe("none");
    expect(report.before.harmful_score).toBeNull();
    expect(report.before.task_accuracy).toMatchObject({ hits: 0, count: 6 });
    // Twelve steps teach the two words, if not which is right.
    expect(answers.filter(({ when, taken }) => when === "after" && taken !== null).length).toBeGreaterThanOrEqual(5);
    const last = answers.at(-1);
    expect(last).toMatchObject({ part: "task", expected: "blue", prompt: "Which colour?\nitem 9" });
    expect(last?.verdict).toBe(last?.answer === "blue" ? "right" : "wrong");
    expect(report.after.task_accuracy?.ci95?.high).toBeGreaterThan(report.after.task_accuracy?.percent ?? 0);
    expect(planned).toBeGreaterThan(0);
  });

  it("reads final numbers of held-out rows", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({
      question: `${i} plus 1?`,
      answer: `It is ${i + 1}.\n#### ${i + 1}`,
    }));
    const { report, answers } = await run({
      data: { train: { path: file("sums.jsonl", rows) }, selection: { validation_split: 4 } },
      train: { max_steps: 1 },
      eval: { task: { source: "held_out", max_new_tokens: 6, n: 3 } },
    });
    expect(report.task).toContain('"####"');
    expect(report.task).toContain("3 of 4 held-out rows, seed 0");
    expect(report.after.task_accuracy?.count).toBe(3);
    expect(answers.every(({ verdict }) => verdict === "right" || verdict === "wrong")).toBe(true);
  });

  it("measures the perplexity of held-out text, which falls; without being asked", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({
      text: `The ${labels[i % 2]} lamp number ${i} is lit at night.`,
    }));
    const { report, answers, planned } = await run({
      data: { train: { path: file("text.jsonl", rows) }, selection: { validation_split: 4 } },
      train: { max_steps: 6, per_device_train_batch_size: 8 },
    });
    const [before, after] = [report.before.perplexity, report.after.perplexity];
    expect(report.task).toContain("perplexity");
    expect(report.before.task_accuracy).toBeNull();
    expect(after?.perplexity).toBeLessThan(before?.perplexity ?? 0);
    expect([before?.rows, before?.tokens]).toEqual([4, after?.tokens]);
    expect(after?.ci95?.low).toBeLessThan(after?.perplexity ?? 0);
    const read = answers.filter(({ when }) => when === "after");
    expect(read).toHaveLength(4);
    const total = read.reduce((sum, { nll = 0, tokens = 0 }) => sum + nll * tokens, 0);
    expect(Math.exp(total / (after?.tokens ?? 1))).toBeCloseTo(after?.perplexity ?? 0, 6);
    expect(read[0]).toMatchObject({ verdict: "read", prompt: "" });
    expect(planned).toBeGreaterThan(0);
  });

  it("refuses to ask rows that hold no question", async () => {
    const rows = Array.from({ length: 8 }, (_, i) => ({ text: `Line ${i}.` }));
    const input: SpecInput = {
      data: { train: { path: file("lines.jsonl", rows) }, selection: { validation_split: 2 } },
      eval: { task: { source: "held_out", kind: "label_match" } },
    };
    await expect(run(input)).rejects.toThrow("needs a question");
  });
});
