/** @file What a run is started with, and how it ends. */
import type { Gpu } from "../../engine/device.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import type { EvaluatedAnswer, Evaluation } from "../../eval/evaluate.ts";
import type { TokenizedExample } from "../../text/example.ts";
import type { Adapter } from "../../weights/adapterFile.ts";
import type { CheckpointStage, RunSnapshot } from "../snapshot/runSnapshot.ts";
import type { RunEnvironment } from "./environment.ts";
import type { RunEvent, RunReport } from "./events.ts";
import type { RunControl } from "./runControl.ts";
import type { Spec } from "../spec/spec.ts";

/** When in a run its model is examined. */
export type When = "before" | "during" | "after";

export interface RunOptions {
  readonly runId: string;
  readonly spec: Spec;
  readonly gpu: Gpu;
  readonly environment: RunEnvironment;
  readonly emit: (event: RunEvent) => void;
  /** The adapter, once: when the run has finished or was stopped, or when it failed after its first step. */
  readonly onAdapter?: (adapter: Adapter) => Promise<void> | void;
  /** The training rows as tokens, once, in the order before shuffling: what a replay elsewhere needs. */
  readonly onRows?: (rows: readonly TokenizedExample[]) => void;
  /** Every prompt with its answer, after each evaluation. "without_trigger": after training, of a method that puts a trigger before prompts. */
  readonly onAnswers?: (when: When | "without_trigger", step: number, answers: readonly EvaluatedAnswer[]) => void;
  readonly control?: RunControl;
  /**
   * Goes on from here. The steps and evaluations that it holds are told again, as if they happened now, and then "resumed".
   * A run that would not give the numbers of an uninterrupted one fails, and says what differs.
   */
  readonly resume?: RunSnapshot;
  /** A checkpoint's file (`decodeCheckpoint` reads it), before the first step, every `train.save_steps`, on pause, at a stop and after the last step. */
  readonly onCheckpoint?: (
    file: Uint8Array<ArrayBuffer>,
    step: number,
    stage: CheckpointStage["kind"],
  ) => Promise<void> | void;
  /**
   * Evaluations of models before training, by what decides them: one that is there is not made again, one that is made is
   * added. For several runs of one model.
   */
  readonly known?: Map<string, Evaluation>;
  /** The measured kernels of an earlier run that this one repeats; nothing is measured then. A checkpoint's own go before them. */
  readonly kernels?: RouteTable;
  /** How long kernels may be measured before the first step, ms (runKernels.ts). */
  readonly measureKernelsMs?: number;
}

export type RunResult =
  | { readonly outcome: "finished" | "stopped"; readonly report: RunReport }
  | { readonly outcome: "failed"; readonly error: unknown; readonly adapterKept: boolean };
