/** @file Dispatches that run once, outside of the step. */

import type { Gpu } from "../../engine/device.ts";
import type { Dispatch } from "../../engine/encoder.ts";
import { Program } from "../../engine/program.ts";

/** Submits the dispatches, then waits for `then`, before whose end their buffers and bind groups are not released. */
export async function submitOnce<T>(gpu: Gpu, dispatches: readonly Dispatch[], then: () => Promise<T>): Promise<T> {
  const program = await Program.fromDispatches(gpu, dispatches);
  try {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    program.record(pass);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    return await then();
  } finally {
    program.destroy();
  }
}
