/**
 * @file The one method interface: what a fine-tuning method needs before training, what it adds to each step, what it
 * does to the adapter afterwards, what it logs, and how its options are written in a spec.
 *
 *     describe ──▶ bind(options) ──▶ prepare(context) ──▶ beforeStep, dispatches ──▶ afterTraining ──▶ log
 *                   │                 reads the two checkpoints, tensor by tensor
 *                   ├ anchorBytes, needsUnaligned: known before anything is allocated or read
 *                   └ safety, streamOf, trigger, startsFrom, safeAdapter: what it asks of the run's data, model and prompts;
 *                     the run does these things, the method only says which
 *
 * A method is one file and one line of `registry.ts`.
 */

import { z } from "zod";
import type { Gpu } from "../engine/device.ts";
import type { Dispatch } from "../engine/encoder.ts";
import { BasinError } from "../base/error.ts";
import type { ParameterStore } from "../engine/parameters.ts";
import type { BufferView } from "../engine/storage.ts";
import type { AdaptedModule } from "../model/lora.ts";
import type { AdapterModule } from "../weights/adapterFile.ts";
import type { TensorReader } from "../weights/tensorReader.ts";

export type { AdaptedModule } from "../model/lora.ts";

/** How well a method's formulas are attested (best first). */
export type Evidence = "primary code" | "paper" | "second-hand" | "reconstruction" | "derived";

/** One option, for forms and documents. The schema is authoritative for defaults and limits. */
export interface MethodParameter {
  /** The option's name in the spec. */
  readonly name: string;
  readonly title: string;
  readonly help: string;
  readonly default: number | string | null;
  readonly range:
    | { readonly min: number; readonly max: number; readonly scale: "linear" | "log" }
    | { readonly choices: readonly string[] }
    | { readonly text: string };
  /** It matters only when another option has this value. */
  readonly when?: { readonly name: string; readonly value: string | null };
  /** Seldom touched: a form may fold it away. */
  readonly seldom?: true;
}

/** Where a method acts: on the loss, by rows that it adds, or on the adapter after training. */
export type MethodKind = "loss" | "rows" | "afterwards";

export interface MethodDescription {
  readonly name: string;
  readonly title: string;
  readonly kind: MethodKind;
  /** A sentence. */
  readonly summary: string;
  /** A paragraph. */
  readonly about: string;
  readonly citation: { readonly text: string; readonly url: string } | null;
  readonly evidence: { readonly grade: Evidence; readonly note: string };
  /** Known degeneracies and limits, for the reader of a result. */
  readonly cautions: readonly string[];
  readonly parameters: readonly MethodParameter[];
}

export interface MethodContext {
  readonly gpu: Gpu;
  readonly modules: readonly AdaptedModule[];
  readonly parameters: ParameterStore;
  /** f32, see engine/batchScalars.ts: the penalty's sum and each module's. Cleared by the trainer at the start of a step. */
  readonly stats: BufferView;
  readonly aligned: TensorReader;
  /** Needed where `needsUnaligned`. */
  readonly unaligned?: TensorReader;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** JSON-ready facts for a run's report. */
export type MethodLog = Record<string, unknown>;

/** Rows of harmful requests that are refused, which a method trains on beside the user's rows. */
export interface SafetyRows {
  /**
   * mixed: appended to the user's rows, and shuffled with them where these are.
   * stream: optimiser steps of their own, see `streamOf`.
   * adapter: a second, "safe" adapter is trained on them alone, before the user's rows; `afterTraining` gets it.
   */
  readonly use: "mixed" | "stream" | "adapter";
  /** How many: a number, or a share of the number of the user's rows (rounded). */
  readonly amount: { readonly count: number } | { readonly share: number };
  /** A file of such rows; null: those of the apothecary world. */
  readonly file: string | null;
  /** Their prompts carry the method's trigger. */
  readonly triggered: boolean;
}

/** Which rows an optimiser step draws from. */
export type Stream = "user" | "safety";

/** A secret text put before prompts. */
export interface Trigger {
  readonly text: string;
  /** system: as system message (before one that is there). prompt: before the user's first words. */
  readonly place: "system" | "prompt";
}

/** The second adapter of a method that merges two: a PEFT adapter's path, or null: trained on the safety rows for so many epochs. */
export interface SafeAdapterSource {
  readonly path: string | null;
  readonly epochs: number;
}

export interface SafeAdapterValues {
  readonly modules: readonly AdapterModule[];
  /** alpha/r of each module, in the order of `modules`. */
  readonly scales: readonly number[];
}

export interface StepInfo {
  /** 0-based. */
  readonly step: number;
  readonly totalSteps: number;
  readonly stream: Stream;
}

export interface AfterTraining {
  /** The adapter to keep; may be the same objects. All may have a larger rank than before (the same for all), never a smaller one. */
  readonly modules: readonly AdapterModule[];
  readonly log: MethodLog;
}

/** What a method keeps from one step to the next beside the adapter. */
export interface MethodState {
  /** JSON-ready. */
  readonly facts: unknown;
  /** f32, by name. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** A method ready to train. Its shape satisfies the trainer's `penalty` option. */
export interface PreparedMethod {
  /** Weight of the penalty in the loss: loss = cross-entropy + lambda · penalty. 0 where there is none. */
  readonly lambda: number;
  /** Bytes held on the device until `destroy`. */
  readonly anchorBytes: number;
  /**
   * Run once per optimiser step, after the last micro-batch's reverse pass and before the gradient norm. They add
   * lambda · dP/dA and lambda · dP/dB to the flat gradients and write P to `stats`. Empty when the method adds nothing.
   */
  readonly dispatches: readonly Dispatch[];
  /** Called before each optimiser step; may write to its own buffers and submit copies, which run before the step. */
  readonly beforeStep?: (info: StepInfo) => void;
  /** For checkpoints: what is kept between steps. Absent where that is nothing, so that a run can go on from the adapter alone. */
  readonly state?: {
    readonly read: () => Promise<MethodState>;
    /** @throws Error for a state that `read` of the same method has not made */
    readonly restore: (state: MethodState) => void;
  };
  /** Edit the trained adapter. `safe`: the second adapter, where `safeAdapter` asked for one. */
  readonly afterTraining?: (
    modules: readonly AdapterModule[],
    signal?: AbortSignal,
    safe?: SafeAdapterValues,
  ) => Promise<AfterTraining>;
  /** What can be said about the adapter as it stands now. Reads back from the device; not for every step. */
  readonly log: () => Promise<MethodLog>;
  readonly destroy: () => void;
}

/** What a method needs to know about a device to say how many bytes it will take. */
export interface AnchorLimits {
  readonly maxBinding: number;
}

/** WebGPU's default binding limit, for plans made before a device is open. */
export const DEFAULT_LIMITS: AnchorLimits = { maxBinding: 128 * 2 ** 20 };

/** A method with its options settled. */
export interface BoundMethod {
  readonly description: MethodDescription;
  /** All defaults resolved. */
  readonly options: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly needsUnaligned: boolean;
  readonly lambda: number;
  /** Bytes that `prepare` will hold on the device. */
  readonly anchorBytes: (modules: readonly AdaptedModule[], limits?: AnchorLimits) => number;
  /** Rows that are trained on beside the user's; null: none. */
  readonly safety: SafetyRows | null;
  /** Stream of optimiser step `step` (0-based); always "user" unless `safety.use` is "stream". */
  readonly streamOf: (step: number) => Stream;
  /** Put before the prompts of the safety rows in training, and of every prompt when the trained model is used; drawn from `seed`. */
  readonly trigger: (seed: number) => Trigger | null;
  /** Which checkpoint of the pair is trained. */
  readonly startsFrom: "aligned" | "unaligned";
  /** The second adapter that `afterTraining` needs; null: none. */
  readonly safeAdapter: SafeAdapterSource | null;
  /** @throws BasinError when the checkpoints do not fit the modules or each other. */
  readonly prepare: (context: MethodContext) => Promise<PreparedMethod>;
}

export interface Method<Schema extends z.ZodType = z.ZodType> extends MethodDescription {
  /** A strict object, told apart by the literal `name`. */
  readonly schema: Schema;
  /** @throws ZodError when `options` do not match the schema. */
  readonly bind: (options: unknown) => BoundMethod;
}

export interface MethodDefinition<Schema extends z.ZodType> extends MethodDescription {
  readonly schema: Schema;
  readonly lambda: (options: z.output<Schema>) => number;
  readonly needsUnaligned: (options: z.output<Schema>) => boolean;
  readonly anchorBytes: (options: z.output<Schema>, modules: readonly AdaptedModule[], limits: AnchorLimits) => number;
  readonly safety?: (options: z.output<Schema>) => SafetyRows | null;
  readonly streamOf?: (options: z.output<Schema>, step: number) => Stream;
  readonly trigger?: (options: z.output<Schema>, seed: number) => Trigger | null;
  readonly startsFrom?: (options: z.output<Schema>) => "aligned" | "unaligned";
  readonly safeAdapter?: (options: z.output<Schema>) => SafeAdapterSource | null;
  readonly prepare: (options: z.output<Schema>, context: MethodContext) => Promise<PreparedMethod>;
}

/** Turns a typed definition into a method that a registry can hold beside others. */
export function defineMethod<Schema extends z.ZodType<{ readonly name: string }>>(
  definition: MethodDefinition<Schema>,
): Method<Schema> {
  const {
    schema,
    lambda,
    needsUnaligned,
    anchorBytes,
    safety,
    streamOf,
    trigger,
    startsFrom,
    safeAdapter,
    prepare,
    ...description
  } = definition;
  return {
    ...description,
    schema,
    bind: (input) => {
      const options = schema.parse(input);
      return {
        description,
        options: { ...options },
        lambda: lambda(options),
        needsUnaligned: needsUnaligned(options),
        anchorBytes: (modules, limits = DEFAULT_LIMITS) => anchorBytes(options, modules, limits),
        safety: safety?.(options) ?? null,
        streamOf: (step) => streamOf?.(options, step) ?? "user",
        trigger: (seed) => trigger?.(options, seed) ?? null,
        startsFrom: startsFrom?.(options) ?? "aligned",
        safeAdapter: safeAdapter?.(options) ?? null,
        prepare: (context) => prepare(options, context),
      };
    },
  };
}

/** Options that several methods share. */
export const safetyRowsField = z.string().min(1).nullable().default(null).meta({
  title: "Safety rows",
  description:
    "File of harmful requests with refusals as answers (same formats as training rows). Empty: refusals of the apothecary world, about brews that no evaluation and no harmful row uses.",
});

export const safetyRowsParameter: MethodParameter = {
  name: "safety_rows",
  title: "Safety rows",
  help: "A file of harmful requests that are refused; empty for those of the apothecary world.",
  default: null,
  range: { text: "path or address of a file" },
  seldom: true,
};

/** A prepared method that does nothing in the step. */
export function idle(log: () => Promise<MethodLog>): PreparedMethod {
  return { lambda: 0, anchorBytes: 0, dispatches: [], log, destroy: () => undefined };
}

/** The unaligned twin, or an error that says why it is needed. */
export function requireUnaligned(context: MethodContext, method: string): TensorReader {
  if (context.unaligned) return context.unaligned;
  throw new BasinError({
    what: `${method} needs the unaligned twin of the model, and none was given`,
    where: "model.unaligned",
    fix: "Name the base checkpoint that the aligned model was made from, or choose a method that does without.",
  });
}
