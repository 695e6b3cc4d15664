/** @file A device as the engine sees one with lower limits, and whether what was made kept to them. */

import { vi } from "vitest";
import type { BufferLimits } from "../../src/engine/bindable.ts";
import type { Gpu } from "../../src/engine/device.ts";

export interface Limited<T> {
  readonly result: T;
  /** Bytes of the largest range that was bound. */
  readonly binding: number;
  /** Bytes of the largest buffer that was made. */
  readonly buffer: number;
}

/** Runs `work` on the device as if it allowed no more than `limits`. */
export async function underLimits<T>(
  gpu: Gpu,
  limits: Partial<BufferLimits>,
  work: (gpu: Gpu) => Promise<T>,
): Promise<Limited<T>> {
  const groups = vi.spyOn(gpu.device, "createBindGroup");
  const buffers = vi.spyOn(gpu.device, "createBuffer");
  try {
    const result = await work({ ...gpu, ...limits });
    const bound = groups.mock.calls.flatMap(([{ entries }]) =>
      [...entries].map(({ resource }) => boundBytes(resource)),
    );
    const made = buffers.mock.calls.map(([{ size }]) => size);
    return { result, binding: largest(bound), buffer: largest(made) };
  } finally {
    for (const spy of [groups, buffers]) spy.mockRestore();
  }
}

function boundBytes(resource: GPUBindingResource): number {
  if (!("buffer" in resource)) throw new Error("only ranges of buffers are bound");
  return resource.size ?? resource.buffer.size - (resource.offset ?? 0);
}

function largest(sizes: readonly number[]): number {
  return sizes.reduce((most, size) => Math.max(most, size), 0);
}
