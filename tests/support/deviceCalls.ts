/** @file Which objects some work makes on a device, and how often it submits. */

import { vi } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";

const OF_DEVICE = [
  "createBuffer",
  "createBindGroup",
  "createBindGroupLayout",
  "createPipelineLayout",
  "createComputePipeline",
  "createComputePipelineAsync",
  "createShaderModule",
  "createQuerySet",
  "createTexture",
  "createSampler",
  "createCommandEncoder",
] as const;
const OF_QUEUE = ["submit", "writeBuffer"] as const;

export type DeviceCalls = Readonly<Partial<Record<(typeof OF_DEVICE)[number] | (typeof OF_QUEUE)[number], number>>>;

/** How often each method was called meanwhile; those that were not are left out. */
export async function deviceCalls(gpu: Gpu, work: () => Promise<unknown>): Promise<DeviceCalls> {
  const spies = [
    ...OF_DEVICE.map((name) => [name, vi.spyOn(gpu.device, name)] as const),
    ...OF_QUEUE.map((name) => [name, vi.spyOn(gpu.device.queue, name)] as const),
  ];
  try {
    await work();
    return Object.fromEntries(
      spies.map(([name, spy]) => [name, spy.mock.calls.length] as const).filter(([, count]) => count > 0),
    );
  } finally {
    for (const [, spy] of spies) spy.mockRestore();
  }
}
