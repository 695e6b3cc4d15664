/**
 * @file What the model needs from a checkpoint, whatever stands behind it (file, worker, network): a directory of
 * tensors and their bytes as a stream.
 */

import { describeValue } from "../base/describe.ts";
import { BasinError } from "../base/error.ts";

export type CheckpointDType = "F32" | "F16" | "BF16";

export interface TensorInfo {
  readonly name: string;
  readonly dtype: CheckpointDType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** Why a tensor that a checkpoint names cannot be read. */
export type Unreadable =
  /** Stored in a format that is not read, such as FP8. */
  | { readonly kind: "dtype"; readonly dtype: string }
  /** The index lists it, and the file that it names has no such tensor. */
  | { readonly kind: "absent"; readonly file: string };

export interface TensorReader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Tensors that are named and cannot be read; none unless given. */
  readonly unreadable?: ReadonlyMap<string, Unreadable>;
  /** Each reading is a download: nothing keeps what was read. Who can do without does not read a tensor twice. */
  readonly uncached?: boolean;
  /**
   * The tensor's little-endian bytes, in order; chunks of at most 4 MiB, each a multiple of 4 bytes except the last. A
   * chunk may be used until the next one is asked for: a reader may then free its memory at once.
   */
  read(name: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * A hint: these tensors will be read next, in this order. A reader with a slow source then reads ahead, across
   * tensors, within a fixed amount of memory. What was announced before is forgotten; an empty list ends the reading
   * ahead.
   */
  prefetch?(names: readonly string[], signal?: AbortSignal): void;
}

/** The error for a tensor that a checkpoint does not have, or has and cannot be read. */
export function noSuchTensor(
  { unreadable }: Pick<TensorReader, "unreadable">,
  name: string,
  where: string,
): BasinError {
  const reason = unreadable?.get(name);
  switch (reason?.kind) {
    case "dtype":
      return new BasinError({
        what: `The tensor ${name} is stored as ${reason.dtype}`,
        where,
        fix:
          "Basin reads F64, F32, F16 and BF16. Choose the checkpoint in 16 bits that this one was made from, or save " +
          "the model in one of them.",
      });
    case "absent":
      return new BasinError({
        what: `The tensor ${describeValue(name)} is not in ${describeValue(reason.file)}, although the index says so`,
        where,
        fix: "Index and shards are not of one version. Fetch them again, all from the same revision.",
      });
    case undefined:
      return new BasinError({
        what: `The checkpoint has no tensor ${name}`,
        where,
        fix: "Check that config.json belongs to these weights and that every shard is there.",
      });
  }
}

/** Bytes of these tensors, as stored; names that are not there count nothing. */
export function tensorBytesOf(reader: TensorReader, names: Iterable<string>): number {
  let bytes = 0;
  for (const name of names) bytes += reader.tensors.get(name)?.byteLength ?? 0;
  return bytes;
}
