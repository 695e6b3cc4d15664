/**
 * @file A run in the history: the resolved spec, every step, every score, the adapter, and the device.
 */
import type { RunFailure, RunReport, Scores, StepMetrics } from "../../experiment/run/events.ts";
import { tokensPerSecond, type RunLog } from "../run/runLog.ts";
import type { RunState } from "../run/runState.ts";
import type { Overrides } from "./answers/answerList.ts";
import type { CurveName } from "./columns.ts";

/**
 * What of a run's log is stored. Modules, samples and answers are absent in runs of an older lab; what quantising did
 * is in the report.
 */
type StoredLog = Omit<RunLog, "steps" | "quantization" | "resumedFrom" | "deviceLoss"> & {
  readonly steps: readonly StepMetrics[];
};

export interface StoredRun extends StoredLog {
  readonly version: 1;
  readonly endedAt: number;
  /** The user's verdicts that differ from the judge's. */
  readonly overrides?: Overrides;
  /** The user's notes; absent until there are some. */
  readonly tags?: readonly string[];
  readonly note?: string;
  readonly ending:
    | { readonly kind: "finished"; readonly report: RunReport }
    | { readonly kind: "failed"; readonly failure: RunFailure; readonly lastStep: number };
}

/** The record of a run that has ended; null while it runs. */
export function toStoredRun(state: RunState, endedAt: number): StoredRun | null {
  if (state.kind !== "finished" && state.kind !== "failed") return null;
  const { quantization: _quantization, resumedFrom: _resumedFrom, deviceLoss: _deviceLoss, ...log } = state.log;
  const ending: StoredRun["ending"] =
    state.kind === "finished"
      ? { kind: "finished", report: state.report }
      : { kind: "failed", failure: state.failure, lastStep: state.lastStep };
  return { version: 1, ...log, steps: log.steps.slice(), endedAt, answers: log.answers ?? [], ending };
}

/** The state in which the run area shows a run of the history. */
export function toRunState(run: StoredRun): RunState {
  const { version: _version, endedAt: _endedAt, overrides: _overrides, tags: _tags, note: _note, ending, ...log } = run;
  if (ending.kind === "failed") {
    const { failure, lastStep } = ending;
    return { kind: "failed", failure, lastStep, adapterKept: log.adapter !== null, log };
  }
  const { quantization } = ending.report;
  return { kind: "finished", report: ending.report, log: quantization === undefined ? log : { ...log, quantization } };
}

/** Scores before and after; of a run that failed, the last that were taken. */
export function endsOf(run: Pick<StoredRun, "ending" | "evaluations">): {
  readonly before: Scores | null;
  readonly after: Scores | null;
} {
  if (run.ending.kind === "finished") return run.ending.report;
  return {
    before: run.evaluations.find(({ when }) => when === "before")?.scores ?? null,
    after: run.evaluations.findLast(({ when }) => when === "during")?.scores ?? null,
  };
}

export function curveValue(step: StepMetrics, curve: CurveName): number {
  return curve === "tokens_per_second" ? tokensPerSecond(step) : step[curve];
}
