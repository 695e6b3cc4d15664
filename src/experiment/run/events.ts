/**
 * @file What a run tells its door (lab, command line, tests). One discriminated union; every event carries the run's
 * id.
 */

import type { RouteTable } from "../../engine/routing/router.ts";
import type { QuantizationReport } from "./quantization.ts";
import type { Scores } from "../../eval/scores.ts";
import type { Transfer } from "../../weights/transfer.ts";
import type { MemoryBudget } from "../plan/deviceMemory.ts";
import type { ModuleColumn, ModuleQuantity, Sampled } from "./observations.ts";

export type { QuantizationReport } from "./quantization.ts";
export type { Perplexity, Rate, Scores } from "../../eval/scores.ts";
export type { Transfer } from "../../weights/transfer.ts";

export type RunPhase =
  | "loading" // weights stream in
  | "preparing" // the method reads what it needs (alignment directions)
  | "tuning" // kernels are measured
  | "compiling" // pipelines
  | "evaluating_before"
  | "training"
  | "evaluating"
  | "evaluating_after"
  | "saving";

/** Bytes on the device. */
export interface MemoryReport {
  readonly weights: number;
  /** What the method holds. */
  readonly anchor: number;
  /** The adapter with its gradients and the optimiser's moments. */
  readonly adapter: number;
  /** Values and gradients of training, logits apart. */
  readonly activations: number;
  /** The buffer that holds a chunk of logits (other values use it too). */
  readonly logits: number;
  /** Batches, staging, tables and the parameters of kernels. */
  readonly inputs: number;
  /** KV cache and programs of the evaluation. */
  readonly generation: number;
  readonly total: number;
}

/** Whether layers are computed again in the reverse pass, and why. */
export interface Checkpointing {
  readonly on: boolean;
  readonly reason: string;
}

/** What a run takes against what it may take. */
export interface MemoryVerdict {
  readonly checkpointing: Checkpointing;
  readonly budget: MemoryBudget;
  readonly fits: boolean;
  /** Bytes of the largest single buffer. */
  readonly largestBuffer: number;
  /** Bytes of a tensor that would have to be bound whole and cannot be; 0: there is none. */
  readonly excessBinding: number;
  /** What stands in the way; null when it fits. */
  readonly obstacle: MemoryObstacle | null;
  /** What to lower where it does not fit, each worked out anew. */
  readonly proposals: readonly MemoryProposal[];
}

export interface MemoryObstacle {
  /** The run cannot go through and does not start; otherwise it exceeds only an assumed budget, and may. */
  readonly certain: boolean;
  readonly failure: RunFailure;
}

/** Fields to change, and what the run would take then. */
export interface MemoryProposal {
  /** In a few words: "batch of 4, twice as many accumulated". */
  readonly label: string;
  /** What it costs: time, accuracy. */
  readonly cost: string;
  /** By path, such as "train.per_device_train_batch_size". */
  readonly changes: Readonly<Record<string, unknown>>;
  readonly total: number;
  readonly fits: boolean;
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
  /** The step drew from the method's safety rows, not from the user's. */
  readonly stream?: "safety";
}

export interface RunReport {
  readonly before: Scores;
  readonly after: Scores;
  readonly steps: number;
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly wall_time_s: number;
  readonly judge: string;
  /** What else judged the answers to harmful requests; absent where nothing did. */
  readonly second_judge?: string;
  /**
   * The task's rule and what its figure rests on; null without a task. Missing in runs that were stored before it was
   * kept.
   */
  readonly task?: string | null;
  /** What the plan stated, and the most that all buffers took together. */
  readonly memory: { readonly planned: MemoryReport; readonly peak: number; readonly checkpointing: Checkpointing };
  /** What the method did, by its own account (projected modules and cosines, …). */
  readonly method: Readonly<Record<string, unknown>>;
  /** Absent where the weights are as stored. */
  readonly quantization?: QuantizationReport;
  /** `before` was found by an earlier run of the same model and evaluation, and not made again. */
  readonly before_reused?: true;
  /**
   * Steps at which the run went on from a checkpoint; absent where it was never interrupted. `wall_time_s` leaves the
   * interruptions out.
   */
  readonly resumed_at?: readonly number[];
  /** Missing in runs that were stored before it was kept. */
  readonly kernels?: KernelReport;
  /** Missing in runs that were stored before it was kept. */
  readonly data?: DataReport;
  readonly outcome: "finished" | "stopped";
}

/** Digests of what a run read, eight hexadecimal digits each: a file of the same name may hold other rows. */
export interface DataReport {
  /** Of the training rows as tokens. */
  readonly rows: string;
  /** Of what the evaluation asks of rows of one's own. */
  readonly questions: string;
}

/** Which kernels made a run's products (engine/routing/router.ts). */
export interface KernelReport {
  /**
   * Eight hexadecimal digits over the kernel of each product of a training step: where they differ, losses may in the
   * last digits.
   */
  readonly digest: string;
  /** The measured choices that were used; all other products took the built-in one. */
  readonly measured: RouteTable;
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
  | {
      readonly type: "phase";
      readonly phase: RunPhase;
      readonly progress?: number;
      readonly detail?: string;
      readonly transfer?: Transfer;
      /** Prompts and rows of an evaluation. */
      readonly count?: { readonly done: number; readonly total: number };
    }
  | {
      readonly type: "plan";
      readonly memory: MemoryReport;
      readonly verdict: MemoryVerdict;
      readonly totalSteps: number;
      readonly trainableParameters: number;
      readonly rows: number;
      readonly twin: TwinBytes | null;
    }
  | { readonly type: "quantised"; readonly quantization: QuantizationReport }
  | { readonly type: "step"; readonly metrics: StepMetrics; readonly totalSteps: number }
  /** Told after its step, at some steps; see moduleFigures.ts. */
  | {
      readonly type: "modules";
      readonly quantity: ModuleQuantity;
      readonly paths: readonly string[];
      readonly column: ModuleColumn;
    }
  /** Answers to the prompts that are followed through the run. */
  | { readonly type: "samples"; readonly sampled: Sampled }
  | {
      readonly type: "evaluation";
      readonly when: "before" | "during" | "after";
      readonly step: number;
      readonly scores: Scores;
    }
  | { readonly type: "paused"; readonly step: number }
  | { readonly type: "resumed"; readonly step: number }
  | { readonly type: "finished"; readonly report: RunReport }
  | {
      readonly type: "failed";
      readonly failure: RunFailure;
      readonly lastStep: number;
      readonly adapterKept: boolean;
      /** The loss is not a number: a resumed run would end the same way. */
      readonly diverged?: true;
    }
);
