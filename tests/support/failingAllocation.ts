/**
 * @file A device whose n-th allocation finds no memory, as WebGPU reports it: the buffer is invalid, the scope fails.
 */

import type { Gpu } from "../../src/engine/device.ts";

export interface Allocations {
  /** Buffers that were asked for. */
  readonly count: number;
  /** Labels of those that were asked for outside of any scope for memory errors, so that no error could be told. */
  readonly unguarded: readonly string[];
}

/**
 * Runs `work` on a device on which allocation `n`, counted from 1 at the beginning of the work, finds no memory.
 * @param n 0: all find it
 */
export async function withFailingAllocation<T>(
  { device }: Gpu,
  n: number,
  work: () => Promise<T>,
): Promise<Allocations & { readonly result: T }> {
  const { createBuffer, pushErrorScope, popErrorScope } = device;
  const scopes: { readonly filter: GPUErrorFilter; failed: boolean }[] = [];
  const unguarded: string[] = [];
  let count = 0;
  device.pushErrorScope = (filter) => {
    scopes.push({ filter, failed: false });
    pushErrorScope.call(device, filter);
  };
  device.popErrorScope = () => {
    const scope = scopes.pop();
    const popped = popErrorScope.call(device);
    return scope?.failed === true ? popped.then(() => ({ message: "no memory is left" })) : popped;
  };
  device.createBuffer = (descriptor) => {
    count += 1;
    const scope = scopes.findLast(({ filter }) => filter === "out-of-memory");
    if (!scope) unguarded.push(descriptor.label ?? "");
    if (count !== n) return createBuffer.call(device, descriptor);
    if (scope) scope.failed = true;
    return invalidBuffer(device, createBuffer, descriptor.size);
  };
  try {
    return { result: await work(), count, unguarded };
  } finally {
    Object.assign(device, { createBuffer, pushErrorScope, popErrorScope });
  }
}

/** What a device without memory returns: a buffer of that size with which nothing can be done. */
function invalidBuffer(device: GPUDevice, createBuffer: GPUDevice["createBuffer"], size: number): GPUBuffer {
  device.pushErrorScope("validation");
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE;
  const buffer = createBuffer.call(device, { size, usage });
  void device.popErrorScope();
  return buffer;
}
