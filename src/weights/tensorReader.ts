/**
 * @file What the model needs from a checkpoint, whatever stands behind it (file, worker, network): a directory of
 * tensors and their bytes as a stream.
 */

export type CheckpointDType = "F32" | "F16" | "BF16";

export interface TensorInfo {
  readonly name: string;
  readonly dtype: CheckpointDType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

export interface TensorReader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
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

/** Bytes of these tensors, as stored; names that are not there count nothing. */
export function tensorBytesOf(reader: TensorReader, names: Iterable<string>): number {
  let bytes = 0;
  for (const name of names) bytes += reader.tensors.get(name)?.byteLength ?? 0;
  return bytes;
}
