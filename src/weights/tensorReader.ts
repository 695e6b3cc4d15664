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
  /** The tensor's little-endian bytes, in order; chunks of at most 4 MiB, each a multiple of 4 bytes except the last. */
  read(name: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}
