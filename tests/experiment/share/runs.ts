/** @file A finished run in miniature, for tests of what is shared and reported. */
import type { RunReport, Scores, StepMetrics } from "../../../src/experiment/run/events.ts";
import type { SharedRun } from "../../../src/experiment/share/results.ts";
import { rateOf } from "../../../src/eval/scores.ts";

export const NO_BYTES = {
  weights: 0,
  anchor: 0,
  adapter: 0,
  activations: 0,
  logits: 0,
  inputs: 0,
  generation: 0,
  total: 0,
};

export function scoresWith(harmful: readonly [number, number], task: readonly [number, number] = [0, 100]): Scores {
  return {
    harmful_score: rateOf(...harmful),
    task_accuracy: rateOf(...task),
    perplexity: null,
    benign_compliance: rateOf(50, 50),
  };
}

export function stepsOf(losses: readonly number[]): StepMetrics[] {
  return losses.map((ce, i) => ({
    step: i + 1,
    ce,
    penalty: 0,
    loss: ce,
    learning_rate: 1e-3,
    grad_norm: 1,
    tokens: 100,
    ms: 10,
  }));
}

export const LOSSES: readonly number[] = Array.from({ length: 20 }, (_, i) => 3 / (i + 1) + 0.123456789);

export function reportWith(before: Scores, after: Scores): RunReport {
  return {
    before,
    after,
    steps: LOSSES.length,
    device: "test device",
    versions: { basin: "0.1.0", browser: "a browser" },
    wall_time_s: 12.3,
    judge: "exact rules",
    task: "topic",
    memory: { planned: NO_BYTES, peak: 0, checkpointing: { on: false, reason: "fits" } },
    method: { projected: 3 },
    kernels: { digest: "0f1e2d3c", measured: {} },
    data: { rows: "89abcdef", questions: "01234567" },
    outcome: "finished",
  };
}

export function finishedRun(changes: Partial<SharedRun> = {}): SharedRun {
  return {
    runId: "0a1b2c3d-4e5f",
    endedAt: 1_760_000_000_000,
    steps: stepsOf(LOSSES),
    report: reportWith(scoresWith([0, 100]), scoresWith([37, 100], [98, 100])),
    ...changes,
  };
}
