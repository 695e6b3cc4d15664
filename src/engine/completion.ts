/** @file Waiting for a device: until it has finished what was submitted, or a buffer can be read. */

import { noticed } from "./lateNotices.ts";

/** Resolves once the buffer is mapped; its usage includes MAP_READ. */
export function mapForReading(device: GPUDevice, buffer: GPUBuffer): Promise<void> {
  return noticed(device, buffer.mapAsync(GPUMapMode.READ));
}

/** Resolves once the device has finished everything that was submitted. */
export async function workDone(device: GPUDevice): Promise<void> {
  await noticed(device, device.queue.onSubmittedWorkDone());
}
