/**
 * @file The stages in which a method may take part in a run, and what passes between them. method.ts says how they
 * follow each other; a method fills in those that it needs.
 */

import type { Gpu } from "../engine/device.ts";
import type { Dispatch } from "../engine/encoder.ts";
import type { KlEstimator } from "../engine/operators/crossEntropy.ts";
import type { ParameterStore } from "../engine/parameters.ts";
import type { BufferView } from "../engine/storage.ts";
import type { AdaptedModule } from "../model/lora.ts";
import type { AdapterModule } from "../weights/adapterFile.ts";
import type { TensorReader } from "../weights/tensorReader.ts";

export type { AdaptedModule } from "../model/lora.ts";

/** JSON-ready facts for a run's report. */
export type MethodLog = Record<string, unknown>;

// --- 1. rows -------------------------------------------------------------------------------------------------------

/** Whose rows an optimiser step takes. */
export type Stream = "user" | "safety";

/** A secret text put before prompts. */
export interface Trigger {
  readonly text: string;
  /** system: as system message (before one that is there). prompt: before the user's first words. */
  readonly place: "system" | "prompt";
}

/** Rows of harmful requests that are refused, trained on beside the user's rows. */
export interface SafetyRows {
  /** How many: a number, or a share of the number of the user's rows (rounded). */
  readonly amount: { readonly count: number } | { readonly share: number };
  /** A file of such rows; null: those of the apothecary world. */
  readonly file: string | null;
  readonly use: SafetyUse;
}

export type SafetyUse =
  /** Appended to the user's rows, and shuffled with them where these are. `triggered`: behind the method's trigger. */
  | { readonly kind: "mixed"; readonly triggered: boolean }
  /** In optimiser steps of their own; `streamOf` says whose turn step `step` (0-based) is. */
  | { readonly kind: "stream"; readonly streamOf: (step: number) => Stream }
  /** A second, "safe" adapter is trained on them alone, before the user's rows: `BeforeStage.safeAdapter`. */
  | { readonly kind: "adapter" };

/** Where the scores of responses come from. */
export type Guard =
  /** Each row's `safety_scores`, or its mark of harm. */
  { readonly kind: "rows" };

/** Losses that depend on how safe a response is, chunk by chunk. */
export interface Shaping {
  readonly guard: Guard;
  /** Words of a chunk. */
  readonly chunkWords: number;
  /** chunk: each has its own score. row: all have that of the whole response, which is the last chunk's. */
  readonly per: "chunk" | "row";
  /** What a label with this score (0 unsafe, 1 safe) counts: its cross-entropy, and its divergence. */
  readonly terms: (score: number) => { readonly weight: number; readonly kl: number };
  readonly estimator: KlEstimator;
  /** The divergence counts on the prompt's tokens, too, with the first chunk's score. */
  readonly prompt: boolean;
}

export interface RowStage {
  /** null: every label counts alike. */
  readonly shaping: Shaping | null;
  /** null: only the user's rows. */
  readonly safety: SafetyRows | null;
  /** Before the prompts of triggered safety rows, and of every prompt when the trained model is used; null: none. */
  readonly trigger: (seed: number) => Trigger | null;
}

// --- 2. before training --------------------------------------------------------------------------------------------

/** A second adapter, with which the trained one is merged. */
export type SafeAdapterSource =
  /** A PEFT adapter. */
  | { readonly from: "file"; readonly path: string }
  /** Trained on the safety rows for so many epochs, from the run's own start. */
  | { readonly from: "rows"; readonly epochs: number };

export interface SafeAdapterValues {
  readonly modules: readonly AdapterModule[];
  /** alpha/r of each module, in the order of `modules`. */
  readonly scales: readonly number[];
}

export interface BeforeStage {
  /**
   * The unaligned twin: its matrices are compared with the aligned model's, or it is trained in its place, or unused.
   */
  readonly twin: "unused" | "compared" | "trained";
  /** null: none. */
  readonly safeAdapter: SafeAdapterSource | null;
}

/** Where the second adapter is read from; null where there is none, or the run trains it. */
export function safeAdapterFile({ safeAdapter }: BeforeStage): string | null {
  return safeAdapter?.from === "file" ? safeAdapter.path : null;
}

/** What a method gets to prepare itself on the device. */
export interface MethodContext {
  readonly gpu: Gpu;
  readonly modules: readonly AdaptedModule[];
  readonly parameters: ParameterStore;
  /** f32, see engine/batchScalars.ts: the penalty's sum and each module's. Cleared at the start of a step. */
  readonly stats: BufferView;
  readonly aligned: TensorReader;
  /** Given where the twin is compared. */
  readonly unaligned?: TensorReader;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

// --- 3 to 6, which hold device memory ------------------------------------------------------------------------------

/** Stage 3, a term of the loss: loss = cross-entropy + lambda · penalty. */
export interface PenaltyStage {
  readonly lambda: number;
  /**
   * Run once per optimiser step, after the last micro-batch's reverse pass and before the gradient norm. They add
   * lambda · dP/dA and lambda · dP/dB to the flat gradients and write P to `stats`.
   */
  readonly dispatches: readonly Dispatch[];
}

export interface StepInfo {
  /** 0-based. */
  readonly step: number;
  readonly totalSteps: number;
  readonly stream: Stream;
}

/** What a method remembers from one step to the next beside the adapter, for run snapshots. */
export interface MethodState {
  /** JSON-ready. */
  readonly facts: unknown;
  /** f32, by name. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** Stage 4, between steps. */
export interface StepStage {
  /** Called before each optimiser step; may write to its own buffers and submit copies, which run before the step. */
  readonly before: (info: StepInfo) => void;
  readonly read: () => Promise<MethodState>;
  /** @throws Error for a state that `read` of the same method has not made */
  readonly restore: (state: MethodState) => void;
}

export interface AfterTraining {
  /** May be the same objects. All may have a larger rank than before (the same for all), never a smaller one. */
  readonly modules: readonly AdapterModule[];
  readonly log: MethodLog;
}

/**
 * Stage 5, after the last step: edits the trained adapter. `safe`: the second adapter, where the method asked for one.
 */
export type AfterStage = (
  modules: readonly AdapterModule[],
  signal?: AbortSignal,
  safe?: SafeAdapterValues,
) => Promise<AfterTraining>;

/** A method on the device. null: it takes no part in that stage. */
export interface PreparedMethod {
  readonly penalty: PenaltyStage | null;
  readonly steps: StepStage | null;
  readonly after: AfterStage | null;
  /** Stage 6: what is measured of the adapter as it stands. Reads back from the device; not for every step. */
  readonly report: () => Promise<MethodLog>;
  /** Bytes held on the device until `destroy`. */
  readonly bytes: number;
  readonly destroy: () => void;
}

/** What a method needs to know about a device to say how many bytes it will take. */
export interface DeviceLimit {
  /** Largest binding in bytes. */
  readonly maxBinding: number;
}

/** WebGPU's default binding limit, for plans made before a device is open. */
export const DEFAULT_LIMIT: DeviceLimit = { maxBinding: 128 * 2 ** 20 };
