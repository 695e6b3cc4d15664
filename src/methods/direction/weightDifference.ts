/**
 * @file The alignment direction of a matrix, V = W_aligned - W_unaligned, read from two checkpoints in f32.
 *
 * Tensors are matched by name, one matrix at a time: of both checkpoints only the targeted matrices are read, and only
 * one difference is held. 16-bit values are exact in f32, so V is what PyTorch computes in float32.
 */

import { BasinError } from "../../base/error.ts";
import { DTYPE_BYTES, scanFinite, toFloat32 } from "../../weights/dtypes.ts";
import { tensorBytesOf, type TensorInfo, type TensorReader } from "../../weights/tensorReader.ts";
import type { AdaptedModule, MethodContext } from "../stages.ts";

export type MatrixShape = Pick<AdaptedModule, "path" | "outFeatures" | "inFeatures">;

export interface CheckpointPair {
  readonly aligned: TensorReader;
  readonly unaligned: TensorReader;
}

/** Progress over modules, and a way to stop. */
export interface ReadingOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Both checkpoints of a method that compares them.
 * @throws BasinError when the unaligned twin was not given
 */
export function pairOf({ aligned, unaligned }: MethodContext, method: string): CheckpointPair {
  if (unaligned) return { aligned, unaligned };
  throw new BasinError({
    what: `${method} needs the unaligned twin of the model, and none was given`,
    where: "model.unaligned",
    fix: "Name the base checkpoint that the aligned model was made from, or choose a method that does without.",
  });
}

/** Checks names and shapes of every module's matrix in both checkpoints; reads no weights. */
export function checkPair(modules: readonly MatrixShape[], { aligned, unaligned }: CheckpointPair): void {
  for (const module of modules) {
    const left = find(module, aligned, "aligned");
    const right = find(module, unaligned, "unaligned");
    if (!sameShape(left.shape, right.shape)) {
      throw new BasinError({
        what:
          `The two checkpoints disagree about a shape: ${shapeText(left.shape)} in the aligned, ` +
          `${shapeText(right.shape)} in the unaligned model`,
        where: left.name,
        fix: "Use the base checkpoint that the aligned model was made from.",
      });
    }
    const expected = [module.outFeatures, module.inFeatures];
    if (!sameShape(left.shape, expected)) {
      throw new BasinError({
        what: `The adapter expects ${shapeText(expected)} but the checkpoints have ${shapeText(left.shape)}`,
        where: left.name,
        fix: "Check that the model's config.json belongs to its weights.",
      });
    }
  }
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** What `readDifference` reads of a checkpoint for these modules, of all its tensors; bytes as stored. */
export function differenceBytes(
  modules: readonly Pick<MatrixShape, "path">[],
  checkpoint: TensorReader,
): { readonly needed: number; readonly total: number } {
  return {
    needed: tensorBytesOf(
      checkpoint,
      modules.map(({ path }) => `${path}.weight`),
    ),
    total: tensorBytesOf(checkpoint, checkpoint.tensors.keys()),
  };
}

/** Asks both checkpoints to prefetch the matrices that `readDifference` will read next, in this order. */
export function prefetchDifferences(
  modules: readonly Pick<MatrixShape, "path">[],
  { aligned, unaligned }: CheckpointPair,
  signal?: AbortSignal,
): void {
  const names = modules.map(({ path }) => `${path}.weight`);
  aligned.prefetch?.(names, signal);
  unaligned.prefetch?.(names, signal);
}

/**
 * V of one module, row-major [outFeatures, inFeatures].
 * @throws BasinError for a missing tensor, unequal shapes, or a value or difference that is not finite.
 */
export async function readDifference(
  module: MatrixShape,
  pair: CheckpointPair,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const { aligned, unaligned } = pair;
  checkPair([module], pair);
  const difference = new Float32Array(module.outFeatures * module.inFeatures);
  const name = tensorName(module);
  await stream(aligned, name, "aligned", signal, (values, at) => difference.set(values, at));
  await stream(unaligned, name, "unaligned", signal, (values, at) => {
    for (let i = 0; i < values.length; i += 1) difference[at + i] = (difference[at + i] ?? 0) - (values[i] ?? 0);
  });
  // Of f32 numbers near the end of the range.
  const beyond = scanFinite(new Uint8Array(difference.buffer), "F32");
  if (beyond >= 0) {
    throw new BasinError({
      what: `Value ${beyond} of the aligned minus the unaligned checkpoint is beyond the range of float32`,
      where: name,
      fix: "A weight of this size is damaged: fetch both models again or choose others.",
    });
  }
  return difference;
}

/** ‖V‖_F, summed in f64. */
export function frobenius(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    sum += value * value;
  }
  return Math.sqrt(sum);
}

function tensorName(module: MatrixShape): string {
  return `${module.path}.weight`;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}

function find(module: MatrixShape, reader: TensorReader, role: string): TensorInfo {
  const name = tensorName(module);
  const info = reader.tensors.get(name);
  if (info) return info;
  throw new BasinError({
    what: `The ${role} checkpoint has no tensor of this name`,
    where: name,
    fix: "Both checkpoints must have the same architecture; tensors are matched by name.",
  });
}

async function stream(
  reader: TensorReader,
  name: string,
  role: string,
  signal: AbortSignal | undefined,
  use: (values: Float32Array, at: number) => void,
): Promise<void> {
  const info = reader.tensors.get(name);
  if (!info) throw new Error(`${name} was checked before`);
  const expected = info.shape.reduce((product, size) => product * size, 1);
  let at = 0;
  for await (const chunk of reader.read(name, signal)) {
    signal?.throwIfAborted();
    const bad = scanFinite(chunk, info.dtype);
    if (bad >= 0) {
      throw new BasinError({
        what: `Value ${at + bad} of the ${role} checkpoint is not a finite number`,
        where: name,
        fix: "The file is damaged or the model diverged; fetch it again or choose another.",
      });
    }
    const count = chunk.byteLength / DTYPE_BYTES[info.dtype];
    if (at + count > expected) break;
    use(toFloat32(chunk, info.dtype), at);
    at += count;
  }
  if (at !== expected) {
    throw new BasinError({
      what: `The ${role} checkpoint gave ${at} of ${expected} values`,
      where: name,
      fix: "The file is truncated or its header is wrong; fetch it again.",
    });
  }
}
