/** @file f32 values back from the device. */

import type { Gpu } from "../engine/device.ts";
import { type BufferView, readStorage } from "../engine/storage.ts";

export async function readFloats(gpu: Gpu, view: BufferView): Promise<Float32Array> {
  return new Float32Array(await readStorage(gpu, { parts: [{ row: 0, rows: 1, view }] }));
}
