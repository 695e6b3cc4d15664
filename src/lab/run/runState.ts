/**
 * @file The life of a run as the page sees it: one discriminated state, and how each event moves it.
 *
 *     idle -> starting -> working(loading, preparing, …) <-> training <-> paused -> finished
 *                                                        any of them             -> failed
 *
 * Pure: no React, no store, no worker. Events of another run than the shown one change nothing.
 */
import type {
  QuantizationReport,
  RunEvent,
  RunFailure,
  RunPhase,
  RunReport,
  Scores,
  StepMetrics,
  Transfer,
} from "../../experiment/run/events.ts";
import type { ModuleRecord, Sampled } from "../../experiment/run/observations.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import { withAnswers, type AnswerSet } from "../runs/answers/answerList.ts";
import type { RunPlan } from "../worker/protocol.ts";

/** Scores at one moment of a run. */
export interface EvaluationPoint {
  readonly when: "before" | "during" | "after";
  readonly step: number;
  readonly scores: Scores;
}

/** Everything that a run has told so far. */
export interface RunLog {
  readonly runId: string;
  readonly spec: Spec;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly plan: RunPlan | null;
  readonly steps: readonly StepMetrics[];
  readonly evaluations: readonly EvaluationPoint[];
  readonly adapter: AdapterFiles | null;
  /** Penalty or norm of each module over time; absent before the first and in runs that were stored before it was kept. */
  readonly modules?: ModuleRecord;
  /** Answers to the prompts that are followed through the run; absent before the first and in runs that were stored before they were kept. */
  readonly samples?: readonly Sampled[];
  /** Every prompt with its answer, of the last evaluation of each kind; absent before the first. */
  readonly answers?: readonly AnswerSet[];
  /** What quantising the weights did; absent where they are as stored. */
  readonly quantization?: QuantizationReport;
  /** Steps that the checkpoint held from which it goes on in this tab; absent where it began here. */
  readonly resumedFrom?: number;
  /** The device was lost on the way; the last time. Absent where it never was. */
  readonly deviceLoss?: DeviceLoss;
}

/** A lost device, and the step from which the run goes on on the next; `from` null: it begins again. */
export interface DeviceLoss {
  readonly failure: RunFailure;
  readonly lastStep: number;
  readonly from: number | null;
}

/** What the user asked for and the worker has not confirmed yet. */
export type PendingCommand = "pause" | "resume" | "stop" | "discard" | null;

export type WorkingPhase = Exclude<RunPhase, "training">;

export type RunState =
  | { readonly kind: "idle" }
  | { readonly kind: "starting"; readonly log: RunLog; readonly asked: PendingCommand }
  | {
      readonly kind: "working";
      readonly phase: WorkingPhase;
      readonly progress: number | null;
      readonly detail: string | null /** Files that came in during this phase, the last one told about at the end. */;
      readonly transfers: readonly Transfer[];
      readonly log: RunLog;
      readonly asked: PendingCommand;
    }
  | { readonly kind: "training"; readonly log: RunLog; readonly asked: PendingCommand }
  | { readonly kind: "paused"; readonly step: number; readonly log: RunLog; readonly asked: PendingCommand }
  | { readonly kind: "finished"; readonly report: RunReport; readonly log: RunLog }
  | {
      readonly kind: "failed";
      readonly failure: RunFailure;
      readonly lastStep: number;
      readonly adapterKept: boolean /** Going on from a checkpoint would end likewise. */;
      readonly diverged?: true;
      readonly log: RunLog;
    };

export type ActiveRunState = Extract<RunState, { readonly asked: PendingCommand }>;

export const IDLE: RunState = { kind: "idle" };

/** Whether a run holds the device now. */
export function isActive(state: RunState): state is ActiveRunState {
  return "asked" in state;
}

/** @param resumedFrom steps of the checkpoint from which it goes on; absent: it begins */
export function startRun(runId: string, spec: Spec, startedAt: number, resumedFrom?: number): RunState {
  return {
    kind: "starting",
    log: {
      runId,
      spec,
      startedAt,
      plan: null,
      steps: [],
      evaluations: [],
      adapter: null,
      ...(resumedFrom === undefined ? {} : { resumedFrom }),
    },
    asked: null,
  };
}

/** The device was lost and is open again. What the checkpoint holds stays on the page until it is told again; what came after it never was. */
export function afterDeviceLoss(state: RunState, runId: string, loss: DeviceLoss): RunState {
  return isActive(state) && state.log.runId === runId
    ? { kind: "starting", log: { ...upTo(state.log, loss.from ?? 0), deviceLoss: loss }, asked: state.asked }
    : state;
}

function upTo(log: RunLog, last: number): RunLog {
  const kept = ({ step }: { readonly step: number }): boolean => step <= last;
  const { steps, evaluations, answers, modules, samples } = log;
  return {
    ...log,
    steps: steps.filter(kept),
    evaluations: evaluations.filter(kept),
    ...(answers === undefined ? {} : { answers: answers.filter(kept) }),
    ...(modules === undefined ? {} : { modules: { ...modules, columns: modules.columns.filter(kept) } }),
    ...(samples === undefined ? {} : { samples: samples.filter(kept) }),
  };
}

/** The user asks for a pause, a resume, a stop, or to discard the run; the state says so until the worker answers. */
export function withPendingCommand(state: RunState, asked: Exclude<PendingCommand, null>): RunState {
  return isActive(state) ? { ...state, asked } : state;
}

export function withAdapter(state: RunState, runId: string, files: AdapterFiles): RunState {
  return state.kind === "idle" || state.log.runId !== runId
    ? state
    : { ...state, log: { ...state.log, adapter: files } };
}

export function withAnswerSet(state: RunState, runId: string, set: AnswerSet): RunState {
  return state.kind === "idle" || state.log.runId !== runId
    ? state
    : { ...state, log: { ...state.log, answers: withAnswers(state.log.answers ?? [], set) } };
}

/** The state after several events, oldest first. Steps that come together are appended together. */
export function reduceRun(state: RunState, events: readonly RunEvent[]): RunState {
  let next = state;
  for (let i = 0; i < events.length; ) {
    const event = events[i];
    if (event === undefined) break;
    if (event.type === "step") {
      const batch: StepMetrics[] = [];
      for (let e = event as RunEvent | undefined; e?.type === "step" && e.runId === event.runId; e = events[i]) {
        batch.push(e.metrics);
        i += 1;
      }
      next = afterSteps(next, event.runId, batch);
    } else {
      next = afterEvent(next, event);
      i += 1;
    }
  }
  return next;
}

function afterSteps(state: RunState, runId: string, batch: readonly StepMetrics[]): RunState {
  if (!isActive(state) || state.log.runId !== runId) return state;
  // A run that goes on tells the steps of its checkpoint again: the same, and those after them are taken anew.
  const first = batch[0]?.step ?? 0;
  const { steps } = state.log;
  const before = (steps.at(-1)?.step ?? 0) < first ? steps : steps.filter(({ step }) => step < first);
  const log = { ...state.log, steps: [...before, ...batch] };
  // A step that was under way when the pause was confirmed belongs to the log but does not end the pause.
  return state.kind === "paused" ? { ...state, log } : { kind: "training", log, asked: state.asked };
}

function afterEvent(state: RunState, event: Exclude<RunEvent, { type: "step" }>): RunState {
  if (!isActive(state) || state.log.runId !== event.runId) return state;
  const { log, asked } = state;
  switch (event.type) {
    case "phase":
      return event.phase === "training"
        ? { kind: "training", log, asked }
        : {
            kind: "working",
            phase: event.phase,
            progress: event.progress ?? null,
            detail: event.detail ?? null,
            transfers: transfersAfter(state, event.phase, event.transfer),
            log,
            asked,
          };
    case "plan": {
      const { memory, verdict, totalSteps, trainableParameters, rows, twin } = event;
      return { ...state, log: { ...log, plan: { memory, verdict, totalSteps, trainableParameters, rows, twin } } };
    }
    case "quantised":
      return { ...state, log: { ...log, quantization: event.quantization } };
    case "modules": {
      const { quantity, paths, column } = event;
      const before = (log.modules?.columns ?? []).filter(({ step }) => step < column.step);
      return { ...state, log: { ...log, modules: { quantity, paths, columns: [...before, column] } } };
    }
    case "samples": {
      const { sampled } = event;
      const others = (log.samples ?? []).filter(({ who, step }) => who !== sampled.who || step < sampled.step);
      return { ...state, log: { ...log, samples: [...others, sampled] } };
    }
    case "evaluation": {
      const point: EvaluationPoint = { when: event.when, step: event.step, scores: event.scores };
      const before = log.evaluations.filter(({ when, step }) => when !== event.when || step < event.step);
      return { ...state, log: { ...log, evaluations: [...before, point] } };
    }
    case "paused":
      return { kind: "paused", step: event.step, log, asked: asked === "pause" ? null : asked };
    case "resumed":
      return { kind: "training", log, asked: asked === "resume" ? null : asked };
    case "finished":
      return asked === "discard" ? IDLE : { kind: "finished", report: event.report, log };
    case "failed":
      // Discarded, or cancelled while models were loading: there is nothing to show.
      if (asked === "discard" || (asked === "stop" && event.lastStep === 0 && !event.adapterKept)) return IDLE;
      return {
        kind: "failed",
        failure: event.failure,
        lastStep: event.lastStep,
        adapterKept: event.adapterKept,
        ...(event.diverged ? { diverged: true } : {}),
        log,
      };
  }
}

/** The files of the phase, each as it stands now. */
function transfersAfter(state: ActiveRunState, phase: RunPhase, transfer: Transfer | undefined): readonly Transfer[] {
  const before = state.kind === "working" && state.phase === phase ? state.transfers : [];
  if (transfer === undefined) return before;
  return [
    ...before.filter(({ checkpoint, file }) => checkpoint !== transfer.checkpoint || file !== transfer.file),
    transfer,
  ];
}

/** The last steps over which speed is taken. */
const SPEED_WINDOW = 24;

/** Median milliseconds of the last steps; null before the first. The first step compiles pipelines and is left out once others exist. */
export function stepMilliseconds(steps: readonly StepMetrics[]): number | null {
  const recent = steps.slice(Math.max(steps.length > 1 ? 1 : 0, steps.length - SPEED_WINDOW)).map(({ ms }) => ms);
  if (recent.length === 0) return null;
  recent.sort((a, b) => a - b);
  return recent[Math.floor(recent.length / 2)] ?? null;
}

export function tokensPerSecond({ tokens, ms }: StepMetrics): number {
  return ms > 0 ? (1000 * tokens) / ms : 0;
}
