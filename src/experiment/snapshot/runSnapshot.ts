/**
 * @file The snapshot of a run: all that is needed to resume it exactly as if nothing had happened, in a safetensors
 * file and a log beside it (snapshotLog.ts), so that a snapshot takes no more room the longer a run is.
 *
 *     values.N, moment1.N, moment2.N     A and B of each module and AdamW's moments (F32)
 *     method.N                           the method's state between steps (Lisa: its anchor)
 *     safe.PATH.A, safe.PATH.B           the second adapter of a method that merges two, once it is trained
 *     __metadata__                       format, version, state (JSON: spec, step, where the log ends, …), sha256
 *
 * Nothing random is stored: A's start, the order of rows, dropout masks and an evaluation's draws are functions of
 * seeds and of the number of steps taken, so the step says where they stand. `sha256` is that of the state's text
 * followed by the tensors' bytes; a file that is cut off or damaged is refused. In version 1 the state itself holds
 * what the log holds now.
 */
import { describeValue } from "../../base/describe.ts";
import { sha256 } from "../../base/sha256.ts";
import { isRecord } from "../../base/records.ts";
import { z } from "../../base/zod.ts";
import { BasinError } from "../../base/error.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import type { Scores } from "../../eval/scores.ts";
import type { MethodLog, MethodState } from "../../methods/stages.ts";
import { TRAINING_BUFFERS, type TrainingState } from "../../train/trainingState.ts";
import type { AdapterModule } from "../../weights/adapterFile.ts";
import { encodeSafetensors, headerLength, parseHeader, type TensorToWrite } from "../../weights/safetensors.ts";

import { routeTableSchema } from "../measure/kernelRoutes.ts";
import { resolveSpec, type Spec } from "../spec/spec.ts";
import { decodeLog, type LogContent, type LogEnd } from "./snapshotLog.ts";

const FORMAT = "basin-checkpoint";
/** Raised when an older Basin would misread a newer file. */
const VERSION = "2";
const VERSIONS: readonly string[] = ["1", VERSION];

/** What a run's numbers depend on beside the spec; a run is resumed only where all of it is the same. */
export interface RunOrigin {
  /** Digest of the frozen weights that are adapted. */
  readonly model: string;
  /** Digest of the rows as tokens. */
  readonly rows: string;
  /** As `describeDevice` names it. */
  readonly device: string;
  /** Basin's version. */
  readonly basin: string;
}

/** The second adapter, trained, and what the report says about it. */
export interface TrainedSafeAdapter {
  readonly modules: readonly AdapterModule[];
  readonly log: MethodLog;
}

/** Where in the run: `step` steps are taken. */
export type SnapshotStage = SafeAdapterStage | TrainingStage;

export interface SafeAdapterStage {
  readonly kind: "safe_adapter";
  readonly step: number;
  /** Cross-entropy of the first and the last step; null before the first. */
  readonly firstLoss: number | null;
  readonly lastLoss: number | null;
}

export interface TrainingStage {
  readonly kind: "training";
  readonly step: number;
  /** null where the run trains none. */
  readonly safe: TrainedSafeAdapter | null;
}

export interface RecordedEvaluation {
  readonly when: "before" | "during";
  readonly step: number;
  readonly scores: Scores;
  readonly answers: readonly EvaluatedAnswer[];
}

/** What a snapshot says about the run so far, beside the log. */
export interface RunFacts {
  /** The evaluation before training is that of an earlier run. */
  readonly beforeReused: boolean;
  /** Time that the run has taken, interruptions left out. */
  readonly elapsedMs: number;
  /** Steps at which the run was resumed before. */
  readonly resumedAt: readonly number[];
}

/** What the run has reported so far. */
export interface RunRecord extends LogContent, RunFacts {
  /** Where its log ends; null for a snapshot of version 1, which has none. */
  readonly log: LogEnd | null;
}

export interface RunSnapshot {
  readonly spec: Spec;
  readonly origin: RunOrigin;
  readonly stage: SnapshotStage;
  /** The measured kernels that the run uses (runKernels.ts). */
  readonly kernels: RouteTable;
  readonly record: RunRecord;
  readonly training: TrainingState;
  /** null for a method without state. */
  readonly method: MethodState | null;
}

/** A snapshot as its file is made: what was reported is in the log. */
export interface SnapshotState extends Omit<RunSnapshot, "record"> {
  readonly record: RunFacts & { readonly log: LogEnd };
}

const lossSchema = z.number().nullable();
const stageSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("safe_adapter"),
    step: z.int().min(0),
    firstLoss: lossSchema.optional(),
    lastLoss: lossSchema.optional(),
    /** Version 1: of each step. */
    losses: z.array(z.number()).optional(),
  }),
  z.object({
    kind: z.literal("training"),
    step: z.int().min(0),
    safe: z.object({ log: z.record(z.string(), z.unknown()) }).nullable(),
  }),
]);

/** Of version 1. */
type WholeRecord = RunFacts & Pick<LogContent, "steps" | "evaluations"> & Partial<LogContent>;
type StoredRecord = SnapshotState["record"] | WholeRecord;

/** The record is not checked field by field: the digest says that the runner wrote it. */
const stateSchema = z.object({
  spec: z.unknown(),
  origin: z.object({ model: z.string(), rows: z.string(), device: z.string(), basin: z.string() }),
  stage: stageSchema,
  kernels: routeTableSchema,
  record: z.custom<StoredRecord>(
    (value) =>
      isRecord(value) &&
      Array.isArray(value.resumedAt) &&
      (isLogEnd(value.log) || (Array.isArray(value.steps) && Array.isArray(value.evaluations))),
  ),
  method: z.object({ facts: z.unknown() }).nullable(),
});

function isLogEnd(value: unknown): value is LogEnd {
  return isRecord(value) && Number.isSafeInteger(value.bytes) && typeof value.sha256 === "string";
}

/** The snapshot's file. */
export async function encodeSnapshot(snapshot: SnapshotState): Promise<Uint8Array<ArrayBuffer>> {
  const { spec, origin, stage, kernels, record, training, method } = snapshot;
  const safe = stage.kind === "training" ? stage.safe : null;
  const tensors: TensorToWrite[] = [
    ...TRAINING_BUFFERS.flatMap((which) =>
      [...training[which]].map(([name, values]) => tensor(`${which}.${name}`, [values.length], values)),
    ),
    ...[...(method?.tensors ?? [])].map(([name, values]) => tensor(`method.${name}`, [values.length], values)),
    ...(safe?.modules ?? []).flatMap(({ path, r, inFeatures, outFeatures, A, B }) => [
      tensor(`safe.${path}.A`, [r, inFeatures], A),
      tensor(`safe.${path}.B`, [outFeatures, r], B),
    ]),
  ];
  const state = JSON.stringify({
    spec,
    origin,
    stage: stage.kind === "training" ? { ...stage, safe: safe && { log: safe.log } } : stage,
    kernels,
    record,
    method: method && { facts: method.facts },
  });
  // The digest of the data part is that of any file with these tensors: its bytes do not depend on the header.
  const draft = encodeSafetensors(tensors, {});
  const digest = await digestOf(
    state,
    draft.subarray(8 + headerLength(draft.subarray(0, 8), draft.byteLength, FORMAT)),
  );
  return encodeSafetensors(tensors, { format: FORMAT, version: VERSION, state, sha256: digest });
}

/**
 * @param name the file's name in errors
 * @param readLog the log beside it, or null where there is none; asked only if the snapshot has one
 * @throws BasinError for a file that is no snapshot, comes from a newer Basin, or is damaged, as its log may be
 */
export async function decodeSnapshot(
  file: Uint8Array<ArrayBuffer>,
  name: string,
  readLog: () => Promise<Uint8Array<ArrayBuffer> | null> = async () => null,
): Promise<RunSnapshot> {
  const length = headerLength(file.subarray(0, 8), file.byteLength, name);
  const { entries, metadata } = parseHeader(file.subarray(8, 8 + length), file.byteLength, name);
  const state = await checkedState(metadata, file.subarray(8 + length), name);
  const { spec, origin, stage, kernels, method } = state;
  const record = await wholeRecord(state.record, readLog, name);
  const tensors = entries.map(({ name: path, shape, start, end }): StoredTensor => {
    return { name: path, shape, values: new Float32Array(file.slice(start, end).buffer) };
  });
  return {
    spec: resolveSpec(spec, name),
    origin,
    stage:
      stage.kind === "training"
        ? { ...stage, safe: stage.safe && { log: stage.safe.log, modules: safeModulesOf(tensors) } }
        : safeAdapterStage(stage),
    kernels,
    record,
    training: {
      values: named(tensors, "values."),
      moment1: named(tensors, "moment1."),
      moment2: named(tensors, "moment2."),
    },
    method: method && { facts: method.facts, tensors: named(tensors, "method.") },
  };
}

/** The record with what its log holds, or, in version 1, as it is. */
async function wholeRecord(
  record: StoredRecord,
  readLog: () => Promise<Uint8Array<ArrayBuffer> | null>,
  name: string,
): Promise<RunRecord> {
  if (!("log" in record)) return { modules: [], samples: [], ...record, log: null };
  const log = record.log.bytes === 0 ? null : await readLog();
  return { ...record, ...(await decodeLog(log ?? new Uint8Array(), record.log, name)) };
}

function safeAdapterStage({
  kind,
  step,
  losses = [],
  firstLoss = losses[0] ?? null,
  lastLoss = losses.at(-1) ?? null,
}: Extract<z.output<typeof stageSchema>, { kind: "safe_adapter" }>): SafeAdapterStage {
  return { kind, step, firstLoss, lastLoss };
}

interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The state of a whole file. @param data the tensors' bytes */
async function checkedState(
  { format, version = "", state = "", sha256: expected }: Readonly<Record<string, string>>,
  data: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<z.output<typeof stateSchema>> {
  if (format !== FORMAT)
    throw bad(
      name,
      "The file is not the snapshot of a run",
      "Choose the file that the run wrote into its folder's checkpoint/.",
    );
  if (!VERSIONS.includes(version)) {
    const found = /^\d+$/.test(version) ? version : describeValue(version);
    const what = `The snapshot has version ${found}, this Basin reads ${VERSION}`;
    throw bad(name, what, "Resume the run with the Basin that wrote it.");
  }
  if ((await digestOf(state, data)) !== expected)
    throw bad(name, "The snapshot's digest does not match its content", DAMAGED);
  const parsed = stateSchema.safeParse(JSON.parse(state));
  if (!parsed.success)
    throw bad(name, `The snapshot's state is not understood: ${parsed.error.issues[0]?.message ?? ""}`, DAMAGED);
  return parsed.data;
}

/** Values by name, the prefix left away. */
function named(tensors: readonly StoredTensor[], prefix: string): Map<string, Float32Array> {
  const own = tensors.filter(({ name }) => name.startsWith(prefix));
  return new Map(own.map(({ name, values }) => [name.slice(prefix.length), values]));
}

/** Pairs of safe.PATH.A [r, in] and safe.PATH.B [out, r]. */
function safeModulesOf(tensors: readonly StoredTensor[]): AdapterModule[] {
  return tensors.flatMap(({ name, shape, values }): AdapterModule[] => {
    const path = /^safe\.(.+)\.A$/.exec(name)?.[1];
    const other = path === undefined ? undefined : tensors.find((tensor) => tensor.name === `safe.${path}.B`);
    if (path === undefined || other === undefined) return [];
    const [r = 0, inFeatures = 0] = shape;
    return [{ path, r, inFeatures, outFeatures: other.shape[0] ?? 0, A: values, B: other.values }];
  });
}

/** The bytes as they are: a moment may be anything that f32 holds. */
function tensor(name: string, shape: readonly number[], values: Float32Array): TensorToWrite {
  return { name, dtype: "F32", shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

async function digestOf(state: string, data: Uint8Array<ArrayBuffer>): Promise<string> {
  const text = new TextEncoder().encode(state);
  const all = new Uint8Array(text.byteLength + data.byteLength);
  all.set(text);
  all.set(data, text.byteLength);
  return sha256(all);
}

const DAMAGED = "The file is damaged; start the run again.";

function bad(where: string, what: string, fix: string): BasinError {
  return new BasinError({ what, where, fix });
}
