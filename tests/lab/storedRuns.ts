/** @file Reports and stored runs for tests that need one of a given kind. */
import type { RunReport } from "../../src/experiment/run/events.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";

/** A run that failed after its first step, without an evaluation. */
export function storedRun(runId: string, changes: Partial<StoredRun> = {}): StoredRun {
  return {
    version: 1,
    runId,
    startedAt: 0,
    endedAt: 1,
    spec: resolveSpec({}),
    plan: null,
    steps: [],
    evaluations: [],
    adapter: null,
    ending: { kind: "failed", failure: { what: "", where: "", fix: "" }, lastStep: 1 },
    ...changes,
  };
}

/** The report of a run without an evaluation. */
export function finishedReport(steps: number, outcome: RunReport["outcome"] = "finished"): RunReport {
  const scores = { harmful_score: null, task_accuracy: null, benign_compliance: null };
  const memory = { weights: 0, anchor: 0, adapter: 0, activations: 0, logits: 0, inputs: 0, generation: 0, total: 0 };
  return {
    before: scores,
    after: scores,
    steps,
    device: "d",
    versions: {},
    wall_time_s: 1,
    judge: "",
    task: null,
    memory: { planned: memory, peak: 0, checkpointing: { on: false, reason: "" } },
    method: {},
    outcome,
  };
}
