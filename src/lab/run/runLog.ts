/** @file What a run has reported so far, and how each report is added. Pure. */
import type { QuantizationReport, Scores, StepMetrics } from "../../experiment/run/events.ts";
import type { ModuleRecord, Sampled } from "../../experiment/run/observations.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import { withAnswers, type AnswerSet } from "../runs/answers/answerList.ts";
import { StepList, type Steps } from "./stepList.ts";
import type { DeviceReturnEvent, RunPlan, RunUpdate } from "../worker/protocol/run.ts";

/** Scores at one moment of a run. */
export interface EvaluationPoint {
  readonly when: "before" | "during" | "after";
  readonly step: number;
  readonly scores: Scores;
}

/** Everything that a run has reported so far. */
export interface RunLog {
  readonly runId: string;
  readonly spec: Spec;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly plan: RunPlan | null;
  readonly steps: Steps;
  readonly evaluations: readonly EvaluationPoint[];
  readonly adapter: AdapterFiles | null;
  /** Penalty or norm of each module over time; absent before the first, and in runs of an older lab. */
  readonly modules?: ModuleRecord;
  /** Answers to the prompts that are followed through the run; absent before the first, and in runs of an older lab. */
  readonly samples?: readonly Sampled[];
  /** Every prompt with its answer, of the last evaluation of each kind; absent before the first. */
  readonly answers?: readonly AnswerSet[];
  /** What quantising the weights did; absent where they are as stored. */
  readonly quantization?: QuantizationReport;
  /** Step of the snapshot from which it was resumed in this tab; absent where it began here. */
  readonly resumedFrom?: number;
  /** The device was lost on the way; the last time. Absent where it never was. */
  readonly deviceLoss?: DeviceLoss;
}

/** A lost device, and the step from which the run resumed on the next. */
export type DeviceLoss = Pick<DeviceReturnEvent, "failure" | "lastStep" | "from">;

type LogUpdate = Extract<
  RunUpdate,
  { type: "plan" | "quantised" | "modules" | "samples" | "evaluation" | "adapter" | "answers" }
>;

/** The log with one more report. What is reported again, after a resume, takes the place of what was there. */
export function withUpdate(log: RunLog, update: LogUpdate): RunLog {
  switch (update.type) {
    case "plan": {
      const { memory, verdict, totalSteps, trainableParameters, rows, twin } = update;
      return { ...log, plan: { memory, verdict, totalSteps, trainableParameters, rows, twin } };
    }
    case "quantised":
      return { ...log, quantization: update.quantization };
    case "modules": {
      const { quantity, paths, column } = update;
      const before = (log.modules?.columns ?? []).filter(({ step }) => step < column.step);
      return { ...log, modules: { quantity, paths, columns: [...before, column] } };
    }
    case "samples": {
      const { sampled } = update;
      const others = (log.samples ?? []).filter(({ who, step }) => who !== sampled.who || step < sampled.step);
      return { ...log, samples: [...others, sampled] };
    }
    case "evaluation": {
      const { when, step, scores } = update;
      const before = log.evaluations.filter((point) => point.when !== when || point.step < step);
      return { ...log, evaluations: [...before, { when, step, scores }] };
    }
    case "answers": {
      const { when, step, answers } = update;
      return { ...log, answers: withAnswers(log.answers ?? [], { when, step, answers }) };
    }
    case "adapter":
      return { ...log, adapter: update.files };
  }
}

/** What was reported up to a step. */
export function logUpTo(log: RunLog, last: number): RunLog {
  const isBefore = ({ step }: { readonly step: number }): boolean => step <= last;
  const { steps, evaluations, answers, modules, samples } = log;
  return {
    ...log,
    steps: StepList.of([...steps].filter(isBefore)),
    evaluations: evaluations.filter(isBefore),
    ...(answers === undefined ? {} : { answers: answers.filter(isBefore) }),
    ...(modules === undefined ? {} : { modules: { ...modules, columns: modules.columns.filter(isBefore) } }),
    ...(samples === undefined ? {} : { samples: samples.filter(isBefore) }),
  };
}

/** The last steps over which speed is taken. */
const SPEED_WINDOW = 24;

/**
 * Median milliseconds of the last steps; null before the first. The first step compiles pipelines and is left out once
 * others exist.
 */
export function stepMilliseconds(steps: Pick<Steps, "length" | "slice">): number | null {
  const recent = steps.slice(Math.max(steps.length > 1 ? 1 : 0, steps.length - SPEED_WINDOW)).map(({ ms }) => ms);
  if (recent.length === 0) return null;
  recent.sort((a, b) => a - b);
  return recent[Math.floor(recent.length / 2)] ?? null;
}

export function tokensPerSecond({ tokens, ms }: StepMetrics): number {
  return ms > 0 ? (1000 * tokens) / ms : 0;
}
