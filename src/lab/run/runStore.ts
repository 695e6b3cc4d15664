/** @file The run that the page shows, and how fast the last one was (for the estimate before the next). */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunEvent } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { AnswerSet } from "../runs/answers/answerList.ts";
import { NO_PACE, paceAfter, type Pace } from "./pace.ts";
import {
  withPendingCommand,
  IDLE,
  isActive,
  withAdapter,
  withAnswerSet,
  reduceRun,
  afterDeviceLoss,
  startRun,
  stepMilliseconds,
  type PendingCommand,
  type DeviceLoss,
  type RunState,
} from "./runState.ts";

/** A measured step, and what it was measured on. */
export interface MeasuredStep {
  readonly ms: number;
  readonly signature: string;
}

export interface RunStoreState {
  readonly run: RunState;
  readonly measured: MeasuredStep | null;
  /** How long the stages of the run under way take. */
  readonly pace: Pace;
  /** @param resumedFrom steps of the checkpoint from which it goes on; absent: it begins */
  readonly begin: (runId: string, spec: Spec, startedAt: number, resumedFrom?: number) => void;
  /** The device was lost, and the run goes on on the next. */
  readonly returned: (runId: string, returned: DeviceLoss) => void;
  readonly ask: (asked: Exclude<PendingCommand, null>) => void;
  readonly take: (events: readonly RunEvent[]) => void;
  readonly takeAdapter: (runId: string, files: AdapterFiles) => void;
  /** Shows a run that has ended; not while one is under way. */
  readonly open: (run: RunState) => void;
  readonly takeAnswers: (runId: string, set: AnswerSet) => void;
  /** Puts the finished or failed run away. */
  readonly clear: () => void;
}

export type RunStore = StoreApi<RunStoreState>;

/** @param now a clock in milliseconds */
export function createRunStore(now: () => number = () => performance.now()): RunStore {
  return createStore<RunStoreState>()((set, get) => ({
    run: IDLE,
    measured: null,
    pace: NO_PACE,
    begin: (runId, spec, startedAt, resumedFrom) =>
      set({ run: startRun(runId, spec, startedAt, resumedFrom), pace: NO_PACE }),
    returned: (runId, returned) => set({ run: afterDeviceLoss(get().run, runId, returned), pace: NO_PACE }),
    ask: (asked) => set({ run: withPendingCommand(get().run, asked) }),
    take: (events) => {
      const run = reduceRun(get().run, events);
      const pace = paceAfter(get().pace, run, now());
      const ms = run.kind === "idle" ? null : stepMilliseconds(run.log.steps);
      set(
        run.kind === "idle" || ms === null
          ? { run, pace }
          : { run, pace, measured: { ms, signature: stepSignature(run.log.spec) } },
      );
    },
    takeAdapter: (runId, files) => set({ run: withAdapter(get().run, runId, files) }),
    open: (run) => {
      if (!isActive(get().run)) set({ run });
    },
    takeAnswers: (runId, answers) => set({ run: withAnswerSet(get().run, runId, answers) }),
    clear: () => {
      const { run } = get();
      if (run.kind === "finished" || run.kind === "failed") set({ run: IDLE });
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
