/** @file Reports and stored runs for tests that need one of a given kind. */
import type { RunReport } from "../../src/experiment/run/events.ts";

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
