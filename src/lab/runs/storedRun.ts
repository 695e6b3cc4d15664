/**
 * @file A run in the history: the resolved spec, every step, every score, the adapter, and the device.
 */
import type { RunFailure, RunReport, Scores, StepMetrics } from "../../experiment/run/events.ts";
import type { ModuleRecord, Sampled } from "../../experiment/run/observations.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { AnswerSet, Overrides } from "./answers/answerList.ts";
import type { RunState } from "../run/runState.ts";
import { tokensPerSecond, type EvaluationPoint } from "../run/runLog.ts";
import type { RunPlan } from "../worker/protocol/run.ts";
import type { CurveName } from "./columns.ts";

export interface StoredRun {
  readonly version: 1;
  readonly runId: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly spec: Spec;
  readonly plan: RunPlan | null;
  readonly steps: readonly StepMetrics[];
  readonly evaluations: readonly EvaluationPoint[];
  readonly adapter: AdapterFiles | null;
  /** Absent in runs of earlier versions. */
  readonly modules?: ModuleRecord;
  /** As above. */
  readonly samples?: readonly Sampled[];
  /** Absent in runs of earlier versions. */
  readonly answers?: readonly AnswerSet[];
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
  const { runId, startedAt, spec, plan, steps, evaluations, adapter, modules, samples, answers = [] } = state.log;
  const ending: StoredRun["ending"] =
    state.kind === "finished"
      ? { kind: "finished", report: state.report }
      : { kind: "failed", failure: state.failure, lastStep: state.lastStep };
  return {
    version: 1,
    runId,
    startedAt,
    endedAt,
    spec,
    plan,
    steps,
    evaluations,
    adapter,
    ...(modules === undefined ? {} : { modules }),
    ...(samples === undefined ? {} : { samples }),
    answers,
    ending,
  };
}

/** The state in which the run area shows a run of the history. */
export function toRunState(stored: StoredRun): RunState {
  const { runId, startedAt, spec, plan, steps, evaluations, adapter, modules, samples, answers, ending } = stored;
  const log = {
    runId,
    startedAt,
    spec,
    plan,
    steps,
    evaluations,
    adapter,
    ...(modules === undefined ? {} : { modules }),
    ...(samples === undefined ? {} : { samples }),
    ...(answers === undefined ? {} : { answers }),
  };
  if (ending.kind === "failed")
    return { kind: "failed", failure: ending.failure, lastStep: ending.lastStep, adapterKept: adapter !== null, log };
  const { quantization } = ending.report;
  return { kind: "finished", report: ending.report, log: quantization === undefined ? log : { ...log, quantization } };
}

/** Scores before and after; of a run that failed, the last that were taken. */
export function endsOf(run: StoredRun): { readonly before: Scores | null; readonly after: Scores | null } {
  if (run.ending.kind === "finished") return run.ending.report;
  return {
    before: run.evaluations.find(({ when }) => when === "before")?.scores ?? null,
    after: run.evaluations.findLast(({ when }) => when === "during")?.scores ?? null,
  };
}

export function curveValue(step: StepMetrics, curve: CurveName): number {
  return curve === "tokens_per_second" ? tokensPerSecond(step) : step[curve];
}
