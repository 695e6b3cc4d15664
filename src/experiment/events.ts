/** @file What a run tells its door (lab, command line, tests). One discriminated union; every event carries the run's id. */

import type { QuantizationReport } from "./quantization.ts";
import type { Scores } from "../eval/scores.ts";
import type { Transfer } from "../weights/transfer.ts";

export type { QuantizationReport } from "./quantization.ts";
export type { Rate, Scores } from "../eval/scores.ts";
export type { Transfer } from "../weights/transfer.ts";

export type RunPhase =
  | "loading" // weights stream in
  | "preparing" // the method reads what it needs (alignment directions)
  | "compiling" // pipelines
  | "evaluating_before"
  | "training"
  | "evaluating"
  | "evaluating_after"
  | "saving";

export interface MemoryReport {
  /** Bytes on the device. */
  readonly weights: number;
  readonly anchor: number;
  readonly adapter: number;
  readonly activations: number;
  readonly inputs: number;
  readonly total: number;
}

/** One optimiser step; the fields of `metrics.jsonl`. */
export interface StepMetrics {
  readonly step: number;
  /** Mean over the labelled tokens of the whole batch, nats. */
  readonly ce: number;
  /** The penalty before lambda (0 when the method has none). */
  readonly penalty: number;
  /** ce + lambda × penalty. */
  readonly loss: number;
  readonly learning_rate: number;
  /** Euclidean norm of all adapter gradients before clipping. */
  readonly grad_norm: number;
  /** Tokens processed (padding not counted). */
  readonly tokens: number;
  readonly ms: number;
}

export interface RunReport {
  readonly before: Scores;
  readonly after: Scores;
  readonly steps: number;
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly wall_time_s: number;
  readonly judge: string;
  readonly memory: MemoryReport;
  /** What the method did, by its own account (projected modules and cosines, …). */
  readonly method: Readonly<Record<string, unknown>>;
  /** Absent where the weights are as stored. */
  readonly quantization?: QuantizationReport;
  readonly outcome: "finished" | "stopped";
}

/** Bytes that are read of the unaligned checkpoint, and those of all its tensors. */
export interface TwinBytes {
  readonly needed: number;
  readonly total: number;
}

export interface RunFailure {
  readonly what: string;
  readonly where: string;
  readonly fix: string;
}

export type RunEvent = { readonly runId: string } & (
  | { readonly type: "phase"; readonly phase: RunPhase; readonly progress?: number; readonly detail?: string; readonly transfer?: Transfer }
  | { readonly type: "plan"; readonly memory: MemoryReport; readonly totalSteps: number; readonly trainableParameters: number; readonly rows: number; readonly twin: TwinBytes | null }
  | { readonly type: "quantised"; readonly quantization: QuantizationReport }
  | { readonly type: "step"; readonly metrics: StepMetrics; readonly totalSteps: number }
  | { readonly type: "evaluation"; readonly when: "before" | "during" | "after"; readonly step: number; readonly scores: Scores }
  | { readonly type: "paused"; readonly step: number }
  | { readonly type: "resumed"; readonly step: number }
  | { readonly type: "finished"; readonly report: RunReport }
  | { readonly type: "failed"; readonly failure: RunFailure; readonly lastStep: number; readonly adapterKept: boolean }
);
