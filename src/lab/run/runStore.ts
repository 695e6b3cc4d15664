/** @file The run that the page shows, and how fast the last one was (for the estimate before the next). */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { RunUpdate } from "../worker/protocol/run.ts";
import { NO_PACE, paceAfter, type Pace } from "./pace.ts";
import { stepMilliseconds } from "./runLog.ts";
import {
  IDLE,
  isActive,
  reduceRun,
  startRun,
  withPendingCommand,
  type PendingCommand,
  type RunState,
} from "./runState.ts";

/** A measured step, and what it was measured on. */
export interface MeasuredStep {
  readonly ms: number;
  readonly signature: string;
}

/** A run of the history on its way into the run area. */
export type RunOpening =
  | { readonly kind: "none" }
  | { readonly kind: "reading"; readonly runId: string }
  | { readonly kind: "failed"; readonly runId: string; readonly failure: RunFailure };

export interface RunStoreState {
  readonly run: RunState;
  readonly opening: RunOpening;
  readonly measured: MeasuredStep | null;
  /** How long the stages of the run under way take. */
  readonly pace: Pace;
  /** @param resumedFrom step of the snapshot from which it resumes; absent: it begins */
  readonly begin: (runId: string, spec: Spec, startedAt: number, resumedFrom?: number) => void;
  readonly setPendingCommand: (command: Exclude<PendingCommand, null>) => void;
  /** Takes what the worker reports, oldest first. */
  readonly update: (updates: readonly RunUpdate[]) => void;
  /** Shows a run that has ended; not while one is under way. */
  readonly show: (run: RunState) => void;
}

const NO_OPENING: RunOpening = { kind: "none" };

export type RunStore = StoreApi<RunStoreState>;

/** @param now a clock in milliseconds */
export function createRunStore(now: () => number = () => performance.now()): RunStore {
  return createStore<RunStoreState>()((set, get) => ({
    run: IDLE,
    opening: NO_OPENING,
    measured: null,
    pace: NO_PACE,
    begin: (runId, spec, startedAt, resumedFrom) =>
      set({ run: startRun(runId, spec, startedAt, resumedFrom), opening: NO_OPENING, pace: NO_PACE }),
    setPendingCommand: (command) => set({ run: withPendingCommand(get().run, command) }),
    update: (updates) => {
      const run = reduceRun(get().run, updates);
      // After a device loss the stages begin anew.
      const before = updates.some(({ type }) => type === "device_return") ? NO_PACE : get().pace;
      const pace = paceAfter(before, run, now());
      const ms = run.kind === "idle" ? null : stepMilliseconds(run.log.steps);
      if (run.kind === "idle" || ms === null) set({ run, pace });
      else set({ run, pace, measured: { ms, signature: stepSignature(run.log.spec) } });
    },
    show: (run) => {
      if (!isActive(get().run)) set({ run, opening: NO_OPENING });
    },
  }));
}

/** Two specs with one signature have steps of about the same cost on one device. */
export function stepSignature(spec: Spec): string {
  const { model, lora, method, data, train } = spec;
  return JSON.stringify([
    model,
    lora.r,
    lora.target_modules,
    method.name,
    data.max_length,
    data.packing,
    train.per_device_train_batch_size,
    train.gradient_accumulation_steps,
  ]);
}
