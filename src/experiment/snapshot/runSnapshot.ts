/**
 * @file A checkpoint of a run: all that is needed to go on exactly as if nothing had happened, in one safetensors file.
 *
 *     values.N, moment1.N, moment2.N     A and B of each module and AdamW's moments (F32)
 *     method.N                           what the method keeps from step to step (Lisa: its anchor)
 *     safe.PATH.A, safe.PATH.B           the second adapter of a method that merges two, once it is trained
 *     __metadata__                       format, version, state (JSON: spec, step, metrics, evaluations, …), sha256
 *
 * Nothing random is stored: A's start, the order of rows, dropout masks and an evaluation's draws are functions of
 * seeds and of the number of steps taken, so the step says where they stand. `sha256` is that of the state's text
 * followed by the tensors' bytes; a file that is cut off or damaged is refused.
 */
import { z } from "zod";
import { BasinError } from "../../base/error.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import type { Scores } from "../../eval/scores.ts";
import type { MethodLog, MethodState } from "../../methods/stages.ts";
import { TRAINING_BUFFERS, type TrainingState } from "../../train/trainingState.ts";
import type { AdapterModule } from "../../weights/adapterFile.ts";
import { encodeSafetensors, headerLength, parseHeader, type TensorToWrite } from "../../weights/safetensors.ts";
import { isRecord } from "../spec/canonical.ts";
import type { StepMetrics } from "../run/events.ts";
import type { ModuleColumn, Sampled } from "../run/observations.ts";
import { routeTableSchema } from "../measure/kernelRoutes.ts";
import { resolveSpec, type Spec } from "../spec/spec.ts";
import { sha256 } from "./digests.ts";

const FORMAT = "basin-checkpoint";
/** Raised when an older Basin would misread a newer file. */
const VERSION = "1";

/** What the numbers rest on beside the spec; a run goes on only where all of it is the same. */
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
export type SnapshotStage =
  | {
      readonly kind: "safe_adapter";
      readonly step: number /** Cross-entropy of each step. */;
      readonly losses: readonly number[];
    }
  | {
      readonly kind: "training";
      readonly step: number /** null where the run trains none. */;
      readonly safe: TrainedSafeAdapter | null;
    };

export interface RecordedEvaluation {
  readonly when: "before" | "during";
  readonly step: number;
  readonly scores: Scores;
  readonly answers: readonly EvaluatedAnswer[];
}

/** What was found so far. */
export interface RunRecord {
  readonly steps: readonly StepMetrics[];
  readonly evaluations: readonly RecordedEvaluation[];
  /** What was told of the modules; absent in checkpoints that were made before it was kept. */
  readonly modules?: readonly ModuleColumn[];
  /** Answers to the followed prompts; absent as above. */
  readonly samples?: readonly Sampled[];
  /** The evaluation before training was an earlier run's. */
  readonly beforeReused: boolean;
  /** Time that the run has taken, interruptions left out. */
  readonly elapsedMs: number;
  /** Steps at which it went on before. */
  readonly resumedAt: readonly number[];
}

export interface RunSnapshot {
  readonly spec: Spec;
  readonly origin: RunOrigin;
  readonly stage: SnapshotStage;
  /** The measured kernels that the run uses (runKernels.ts). */
  readonly kernels: RouteTable;
  readonly record: RunRecord;
  readonly training: TrainingState;
  /** null for a method that keeps nothing. */
  readonly method: MethodState | null;
}

const stageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("safe_adapter"), step: z.int().min(0), losses: z.array(z.number()) }),
  z.object({
    kind: z.literal("training"),
    step: z.int().min(0),
    safe: z.object({ log: z.record(z.string(), z.unknown()) }).nullable(),
  }),
]);

/** What the runner wrote itself is taken as it is: the digest vouches for it. */
const stateSchema = z.object({
  spec: z.unknown(),
  origin: z.object({ model: z.string(), rows: z.string(), device: z.string(), basin: z.string() }),
  stage: stageSchema,
  kernels: routeTableSchema,
  record: z.custom<RunRecord>(
    (value) =>
      isRecord(value) &&
      Array.isArray(value.steps) &&
      Array.isArray(value.evaluations) &&
      Array.isArray(value.resumedAt),
  ),
  method: z.object({ facts: z.unknown() }).nullable(),
});

/** The file of a checkpoint. */
export async function encodeSnapshot(checkpoint: RunSnapshot): Promise<Uint8Array<ArrayBuffer>> {
  const { spec, origin, stage, kernels, record, training, method } = checkpoint;
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
 * @throws BasinError for a file that is no checkpoint, is damaged, or comes from a newer Basin
 */
export async function decodeSnapshot(file: Uint8Array<ArrayBuffer>, name: string): Promise<RunSnapshot> {
  const length = headerLength(file.subarray(0, 8), file.byteLength, name);
  const { entries, metadata } = parseHeader(file.subarray(8, 8 + length), file.byteLength, name);
  const { format, version = "", state = "", sha256: expected } = metadata;
  if (format !== FORMAT)
    throw bad(
      name,
      "The file is not a checkpoint of a run",
      "Choose the file that the run wrote into its folder's checkpoint/.",
    );
  if (version !== VERSION)
    throw bad(
      name,
      `The checkpoint has version ${version}, this Basin reads ${VERSION}`,
      "Go on with the Basin that wrote it.",
    );
  if ((await digestOf(state, file.subarray(8 + length))) !== expected)
    throw bad(name, "The checkpoint's digest does not match its content", DAMAGED);
  const parsed = stateSchema.safeParse(JSON.parse(state));
  if (!parsed.success)
    throw bad(name, `The checkpoint's state is not understood: ${parsed.error.issues[0]?.message ?? ""}`, DAMAGED);
  const { spec, origin, stage, kernels, record, method } = parsed.data;

  const tensors = entries.map((entry) => ({
    ...entry,
    values: new Float32Array(file.slice(entry.start, entry.end).buffer),
  }));
  const named = (prefix: string): Map<string, Float32Array> =>
    new Map(
      tensors.flatMap((entry) =>
        entry.name.startsWith(prefix) ? [[entry.name.slice(prefix.length), entry.values] as const] : [],
      ),
    );
  const safeModules = tensors.flatMap((entry): AdapterModule[] => {
    const path = /^safe\.(.+)\.A$/.exec(entry.name)?.[1];
    const other = path === undefined ? undefined : tensors.find((candidate) => candidate.name === `safe.${path}.B`);
    if (path === undefined || other === undefined) return [];
    return [
      {
        path,
        r: entry.shape[0] ?? 0,
        inFeatures: entry.shape[1] ?? 0,
        outFeatures: other.shape[0] ?? 0,
        A: entry.values,
        B: other.values,
      },
    ];
  });
  return {
    spec: resolveSpec(spec, name),
    origin,
    stage:
      stage.kind === "training"
        ? { ...stage, safe: stage.safe && { log: stage.safe.log, modules: safeModules } }
        : stage,
    kernels,
    record,
    training: { values: named("values."), moment1: named("moment1."), moment2: named("moment2.") },
    method: method && { facts: method.facts, tensors: named("method.") },
  };
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

const DAMAGED = "The file is damaged; start the run anew.";

function bad(where: string, what: string, fix: string): BasinError {
  return new BasinError({ what, where, fix });
}
