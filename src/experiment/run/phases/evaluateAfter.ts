/**
 * @file Phase 7: the trained model's scores, and, for a method with a trigger, those without it. A run that was aborted
 * skips them.
 */
import type { Evaluation } from "../../../eval/evaluate.ts";
import type { RunContext } from "../runContext.ts";
import { NO_EVALUATION } from "../runEvaluations.ts";
import type { FinishedRun } from "./finish.ts";

export interface ScoredRun extends FinishedRun {
  readonly after: Evaluation;
  /** null for a method without a trigger. */
  readonly withoutTrigger: Evaluation | null;
}

export async function evaluateAfter(run: RunContext, finished: FinishedRun): Promise<ScoredRun> {
  const { evaluations, samples, generator, trigger } = finished;
  const aborted = run.control.state === "aborted";
  const after = aborted ? NO_EVALUATION : await evaluations.take("after", run.steps, generator, trigger);
  samples.take(run.steps, after.answers, true);
  if (trigger === null) return { ...finished, after, withoutTrigger: null };
  const withoutTrigger = aborted
    ? NO_EVALUATION
    : await evaluations.take("without_trigger", run.steps, generator, null);
  return { ...finished, after, withoutTrigger };
}
