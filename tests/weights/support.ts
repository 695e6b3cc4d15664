/** @file Small checkpoints in memory, and helpers of the weights tests. */
import { expect } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import type { ByteSource } from "../../src/weights/byteSource.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { encodeSafetensors, type TensorToWrite } from "../../src/weights/safetensors.ts";

export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const TINY: readonly TensorToWrite[] = [
  { name: "half", dtype: "BF16", shape: [2, 2], bytes: fromFloat32(new Float32Array([1, -2, 0.5, 3]), "BF16") },
  { name: "norm", dtype: "F32", shape: [3], bytes: fromFloat32(new Float32Array([1.5, 2.5, -3.5]), "F32") },
  { name: "bias", dtype: "F16", shape: [1], bytes: fromFloat32(new Float32Array([0.25]), "F16") },
];

/** config.json and model.safetensors with the given tensors. */
export function files(tensors: readonly TensorToWrite[] = TINY): Record<string, Uint8Array> {
  return { "config.json": json({ model_type: "llama" }), "model.safetensors": encodeSafetensors(tensors) };
}

/** Notes the largest read. */
export function counting(source: ByteSource): ByteSource & { largest(): number } {
  let largest = 0;
  return {
    name: source.name,
    has: (path) => source.has(path),
    size: (path) => source.size(path),
    read: (path, start, end, signal) => {
      largest = Math.max(largest, end - start);
      return source.read(path, start, end, signal);
    },
    largest: () => largest,
  };
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: number[] = [];
  for await (const chunk of chunks) for (const byte of chunk) parts.push(byte);
  return new Uint8Array(parts);
}

/** The BasinError that the promise ends with. */
export async function rejection(promise: Promise<unknown>): Promise<BasinError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BasinError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Byte by byte; the matcher of the test library takes minutes for arrays of this size. */
export function expectSame(got: Uint8Array | Float32Array, wanted: Uint8Array | Float32Array): void {
  const bytes = (array: typeof got): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  expect(Buffer.compare(bytes(got), bytes(wanted))).toBe(0);
}
