/** @file What a run is started with, and how it ends. */
import type { Gpu } from "../../engine/device.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import type { EvaluatedAnswer, Evaluation } from "../../eval/evaluate.ts";
import type { TokenizedExample } from "../../text/example.ts";
import type { Adapter } from "../../weights/adapterFile.ts";
import type { RunSnapshot, SnapshotStage } from "../snapshot/runSnapshot.ts";
import type { LogPart } from "../snapshot/snapshotLog.ts";
import type { Spec } from "../spec/spec.ts";
import type { RunEnvironment } from "./environment.ts";
import type { RunEvent, RunReport } from "./events.ts";
import type { RunControl } from "./runControl.ts";

export interface RunOptions {
  readonly runId: string;
  readonly spec: Spec;
  readonly gpu: Gpu;
  readonly environment: RunEnvironment;
  readonly outputs: RunOutputs;
  readonly control?: RunControl;
  /**
   * Resumes this run. The steps and evaluations that it holds are reported again, then "resumed".
   * A run that would not give the numbers of an uninterrupted one fails and says what differs.
   */
  readonly resume?: RunSnapshot;
  readonly reuse?: Reuse;
}

/** When in a run its model is evaluated. */
export type When = "before" | "during" | "after";

/** Where the results of a run go. */
export interface RunOutputs {
  readonly onEvent: (event: RunEvent) => void;
  /** The adapter, once: when the run has finished or was stopped, or when it failed after its first step. */
  readonly onAdapter?: (adapter: Adapter) => Promise<void> | void;
  /** The training rows as tokens, once, in the order before shuffling: what a replay elsewhere needs. */
  readonly onRows?: (rows: readonly TokenizedExample[]) => void;
  /**
   * Every prompt with its answer, after each evaluation. "without_trigger": after training, for a method that puts a
   * trigger before prompts.
   */
  readonly onAnswers?: (when: When | "without_trigger", step: number, answers: readonly EvaluatedAnswer[]) => void;
  /**
   * A snapshot's file (`decodeSnapshot` reads it) and what is to be appended to its log: before the first step, every
   * `train.save_steps` steps, on pause, at a stop and after the last step.
   */
  readonly onSnapshot?: SaveSnapshot;
}

/** A snapshot to be stored: the log is written first, since the file says where it ends. */
export interface SnapshotToSave {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly log: LogPart;
  readonly step: number;
  readonly stage: SnapshotStage["kind"];
}

export type SaveSnapshot = (snapshot: SnapshotToSave) => Promise<void> | void;

/** What earlier runs on this device found, and how long a run may take to find it itself. */
export interface Reuse {
  /**
   * Evaluations of untrained models, by what determines them (`untrainedKey`). One that is there is reused; one that is
   * not is made and added.
   */
  readonly evaluations?: Map<string, Evaluation>;
  /**
   * The measured kernels of a run that this one repeats; nothing is measured then. A snapshot's own kernels take
   * precedence.
   */
  readonly kernels?: RouteTable;
  /** How long kernels may be measured before the first step, in ms (runKernels.ts). */
  readonly measureKernelsMs?: number;
}

export type RunResult =
  | { readonly outcome: "finished" | "stopped"; readonly report: RunReport }
  | { readonly outcome: "failed"; readonly error: unknown; readonly adapterKept: boolean };
