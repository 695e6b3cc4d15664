/** @file A run: what starts and controls it, and what the page hears beside the runner's own events. */
import type { RouteTable } from "../../../engine/routing/router.ts";
import type { EvaluatedAnswer } from "../../../eval/evaluate.ts";
import type { RunEvent, RunFailure } from "../../../experiment/run/events.ts";
import type { SnapshotStage } from "../../../experiment/snapshot/runSnapshot.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import type { AdapterFiles } from "../../../weights/adapterFile.ts";

/** What a run would take; nothing has been allocated for it. */
export type RunPlan = Omit<Extract<RunEvent, { type: "plan" }>, "type" | "runId">;

/** An earlier run of the same settings: which kernels it used, and where. */
export interface EarlierRun {
  /** As `describeDevice` names it. */
  readonly device: string;
  /** Of Basin and the browser. */
  readonly versions: Readonly<Record<string, string>>;
  /** Its measured kernels. */
  readonly kernels: RouteTable;
}

export interface StartCommand {
  readonly type: "start";
  readonly runId: string;
  readonly spec: Spec;
  /** The evaluation before training may be an earlier run's of the same model. */
  readonly reuse: boolean;
  /** Resume from the run's last snapshot, if there is one. */
  readonly resume: boolean;
  /** An earlier run of the same settings, whose kernels are used again. */
  readonly repeats: EarlierRun | null;
}

export type RunCommand = StartCommand | { readonly type: "pause" | "resume" | "stop"; readonly runId: string };

/** When an evaluation took place. "without_trigger": after training, of a method that uses a trigger. */
export type EvaluationMoment = "before" | "during" | "after" | "without_trigger";

/** Every prompt of an evaluation with its answer; comes with the evaluation. */
export interface AnswersEvent {
  readonly type: "answers";
  readonly runId: string;
  readonly when: EvaluationMoment;
  readonly step: number;
  readonly answers: readonly EvaluatedAnswer[];
}

/** The device was lost and is open again. What was reported after `from` is reported anew. */
export interface DeviceReturnEvent {
  readonly type: "device_return";
  readonly runId: string;
  readonly failure: RunFailure;
  readonly lastStep: number;
  /** The step of the snapshot from which the run resumes; null: it restarts. */
  readonly from: number | null;
}

/** What changes the run that the page shows. */
export type RunUpdate =
  | RunEvent
  | AnswersEvent
  | DeviceReturnEvent
  /** The adapter as it stands; comes before `finished`, and before `failed` where one is kept. */
  | { readonly type: "adapter"; readonly runId: string; readonly files: AdapterFiles };

export type SnapshotEvent =
  /** What the run resumes from if it is interrupted now. In stage "safe_adapter" `step` is that adapter's. */
  | {
      readonly type: "snapshot_saved";
      readonly runId: string;
      readonly step: number;
      readonly stage: SnapshotStage["kind"];
      readonly bytes: number;
    }
  /** The run continues without; an earlier snapshot stays. */
  | { readonly type: "snapshot_failed"; readonly runId: string; readonly why: string };

/** Every type of the union: one that is left out does not compile. */
const RUN_UPDATES: Readonly<Record<RunUpdate["type"], true>> = {
  phase: true,
  plan: true,
  quantised: true,
  step: true,
  modules: true,
  samples: true,
  evaluation: true,
  paused: true,
  resumed: true,
  finished: true,
  failed: true,
  answers: true,
  device_return: true,
  adapter: true,
};

export function isRunUpdate(event: { readonly type: string }): event is RunUpdate {
  return Object.hasOwn(RUN_UPDATES, event.type);
}
