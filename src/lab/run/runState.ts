/**
 * @file The life of a run as the page sees it: one discriminated state, and how each update moves it.
 *
 *     idle -> starting -> working(loading, preparing, …) <-> training <-> paused -> finished
 *                ▲                                       any of them             -> failed
 *                └── the device was lost and is open again
 *
 * Pure: no React, no store, no worker. Updates of another run than the shown one change nothing. What a run has
 * reported so far is its log (runLog.ts).
 */
import type { RunFailure, RunPhase, RunReport, StepMetrics, Transfer } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { RunUpdate } from "../worker/protocol/run.ts";
import { withSteps } from "./stepList.ts";
import { logUpTo, withUpdate, type RunLog } from "./runLog.ts";

/** What the user commanded and the worker has not confirmed yet. */
export type PendingCommand = "pause" | "resume" | "stop" | "discard" | null;

export type WorkingPhase = Exclude<RunPhase, "training">;

export type RunState =
  | { readonly kind: "idle" }
  | { readonly kind: "starting"; readonly log: RunLog; readonly pendingCommand: PendingCommand }
  | {
      readonly kind: "working";
      readonly phase: WorkingPhase;
      readonly progress: number | null;
      readonly detail: string | null;
      /** Files that came in during this phase, the one reported last at the end. */
      readonly transfers: readonly Transfer[];
      readonly log: RunLog;
      readonly pendingCommand: PendingCommand;
    }
  | { readonly kind: "training"; readonly log: RunLog; readonly pendingCommand: PendingCommand }
  | { readonly kind: "paused"; readonly step: number; readonly log: RunLog; readonly pendingCommand: PendingCommand }
  | { readonly kind: "finished"; readonly report: RunReport; readonly log: RunLog }
  | {
      readonly kind: "failed";
      readonly failure: RunFailure;
      readonly lastStep: number;
      readonly adapterKept: boolean;
      /** Resuming from a snapshot would end likewise. */
      readonly diverged?: true;
      readonly log: RunLog;
    };

export type ActiveRunState = Extract<RunState, { readonly pendingCommand: PendingCommand }>;

export const IDLE: RunState = { kind: "idle" };

/** Whether a run holds the device now. */
export function isActive(state: RunState): state is ActiveRunState {
  return "pendingCommand" in state;
}

/** Whether the run can still be paused: there is a step to come, or what follows the last one. */
export function canPause(state: ActiveRunState): boolean {
  if (state.kind === "paused") return false;
  return state.kind !== "working" || !isAfterTraining(state.phase);
}

function isAfterTraining(phase: RunPhase): boolean {
  return phase === "evaluating_after" || phase === "saving";
}

/** @param resumedFrom steps of the snapshot from which it resumes; absent: it begins */
export function startRun(runId: string, spec: Spec, startedAt: number, resumedFrom?: number): RunState {
  const log: RunLog = { runId, spec, startedAt, plan: null, steps: [], evaluations: [], adapter: null };
  return {
    kind: "starting",
    log: resumedFrom === undefined ? log : { ...log, resumedFrom },
    pendingCommand: null,
  };
}

/** The user commands; the state says so until the worker answers. */
export function withPendingCommand(state: RunState, pendingCommand: Exclude<PendingCommand, null>): RunState {
  return isActive(state) ? { ...state, pendingCommand } : state;
}

/** The state after several updates, oldest first. Steps that come together are appended together. */
export function reduceRun(state: RunState, updates: readonly RunUpdate[]): RunState {
  let next = state;
  for (let i = 0; i < updates.length; ) {
    const update = updates[i];
    if (update === undefined) break;
    if (update.type === "step") {
      const batch: StepMetrics[] = [];
      for (let e = update as RunUpdate | undefined; e?.type === "step" && e.runId === update.runId; e = updates[i]) {
        batch.push(e.metrics);
        i += 1;
      }
      if (isShown(next, update.runId)) next = afterSteps(next, batch);
    } else {
      if (isShown(next, update.runId)) next = afterUpdate(next, update);
      i += 1;
    }
  }
  return next;
}

function isShown(state: RunState, runId: string): state is ActiveRunState {
  return isActive(state) && state.log.runId === runId;
}

function afterSteps(state: ActiveRunState, batch: readonly StepMetrics[]): RunState {
  // A resumed run reports the steps of its snapshot again: the same, and those after them are taken anew.
  const log = { ...state.log, steps: withSteps(state.log.steps, batch) };
  // A step that was under way when the pause was confirmed belongs to the log but does not end the pause.
  return state.kind === "paused" ? { ...state, log } : { kind: "training", log, pendingCommand: state.pendingCommand };
}

type LifeCycleUpdate = Extract<
  RunUpdate,
  { type: "phase" | "paused" | "resumed" | "device_return" | "finished" | "failed" }
>;

function afterUpdate(state: ActiveRunState, update: Exclude<RunUpdate, { type: "step" }>): RunState {
  switch (update.type) {
    case "phase":
    case "paused":
    case "resumed":
    case "device_return":
    case "finished":
    case "failed":
      return afterLifeCycle(state, update);
    default:
      return { ...state, log: withUpdate(state.log, update) };
  }
}

/** The updates that lead from one kind of state to another. */
function afterLifeCycle(state: ActiveRunState, update: LifeCycleUpdate): RunState {
  const { log, pendingCommand } = state;
  switch (update.type) {
    case "phase":
      return afterPhase(state, update);
    case "paused":
      return { kind: "paused", step: update.step, log, pendingCommand: unless(pendingCommand, "pause") };
    case "resumed":
      return { kind: "training", log, pendingCommand: unless(pendingCommand, "resume") };
    case "device_return": {
      const { failure, lastStep, from } = update;
      return {
        kind: "starting",
        log: { ...logUpTo(log, from ?? 0), deviceLoss: { failure, lastStep, from } },
        pendingCommand,
      };
    }
    case "finished":
      return pendingCommand === "discard" ? IDLE : { kind: "finished", report: update.report, log };
    case "failed":
      return afterFailure(state, update);
  }
}

function afterPhase(state: ActiveRunState, update: Extract<RunUpdate, { type: "phase" }>): RunState {
  const { log } = state;
  const { phase, progress = null, detail = null, transfer } = update;
  // A pause that came after the last step has no step to wait for.
  const pendingCommand = isAfterTraining(phase) ? unless(state.pendingCommand, "pause") : state.pendingCommand;
  return phase === "training"
    ? { kind: "training", log, pendingCommand }
    : {
        kind: "working",
        phase,
        progress,
        detail,
        transfers: transfersAfter(state, phase, transfer),
        log,
        pendingCommand,
      };
}

function afterFailure(
  { log, pendingCommand }: ActiveRunState,
  { failure, lastStep, adapterKept, diverged }: Extract<RunUpdate, { type: "failed" }>,
): RunState {
  // Discarded, or cancelled while models were loading: there is nothing to show.
  if (pendingCommand === "discard" || (pendingCommand === "stop" && lastStep === 0 && !adapterKept)) return IDLE;
  return { kind: "failed", failure, lastStep, adapterKept, ...(diverged ? { diverged: true } : {}), log };
}

/** A command that has been confirmed is no longer pending. */
function unless(pending: PendingCommand, confirmed: PendingCommand): PendingCommand {
  return pending === confirmed ? null : pending;
}

/** The files of the phase, each as it stands now. */
function transfersAfter(state: ActiveRunState, phase: RunPhase, transfer: Transfer | undefined): readonly Transfer[] {
  const before = state.kind === "working" && state.phase === phase ? state.transfers : [];
  if (transfer === undefined) return before;
  const isSame = ({ checkpoint, file }: Transfer): boolean =>
    checkpoint === transfer.checkpoint && file === transfer.file;
  return [...before.filter((other) => !isSame(other)), transfer];
}
