/**
 * @file Whether the device computes right: matrix products over each weight type against 64-bit sums on the processor.
 * Sizes are multiples of no tile, so that edges are covered.
 */

import { temporarily } from "../../engine/allOrNothing.ts";
import type { Gpu } from "../../engine/device.ts";
import { Graph } from "../../engine/graph.ts";
import { linear } from "../../engine/operators/linear.ts";
import { Program, SlotPool } from "../../engine/program.ts";
import { type Storage, allocate, destroyStorage, readStorage, writeStorage } from "../../engine/storage.ts";
import { type Tensor, rowBytes } from "../../engine/tensor.ts";
import { fromFloat32, toFloat32 } from "../../weights/dtypes.ts";
import type { CheckpointDType } from "../../weights/tensorReader.ts";

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const TYPES = [
  ["F32", "f32"],
  ["BF16", "bf16"],
  ["F16", "f16"],
] as const;
const [ROWS, INNER, OUT] = [37, 72, 45];
/** Relative error (Frobenius) of 72 products in f32 is about 1e-7. */
const TOLERANCE = 1e-5;

export async function deviceChecks(gpu: Gpu): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [stored, dtype] of TYPES) {
    const name = `x · Wᵀ with ${dtype} weights`;
    try {
      const error = await productError(gpu, stored, dtype);
      results.push({
        name,
        ok: error <= TOLERANCE,
        detail: `relative error ${error.toExponential(1)} (allowed ${TOLERANCE})`,
      });
    } catch (error) {
      results.push({ name, ok: false, detail: error instanceof Error ? error.message : String(error) });
    }
  }
  return results;
}

async function productError(gpu: Gpu, stored: CheckpointDType, dtype: "f32" | "bf16" | "f16"): Promise<number> {
  const values = (count: number, phase: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(phase + 0.7 * i + 0.01 * i * i));
  const x = values(ROWS * INNER, 0.3);
  const bytes = fromFloat32(values(OUT * INNER, 1.1), stored);
  const w = toFloat32(bytes, stored);
  const graph = new Graph();
  const input = graph.input("x", [ROWS, INNER]);
  const weight = graph.weight("W", [OUT, INNER], dtype);
  const y = graph.retain(linear(graph, input, { name: "check", weight }));
  const got = await temporarily(async (own) => {
    const storage = new Map<Tensor, Storage>();
    const upload = async (tensor: Tensor, data: Uint8Array): Promise<void> => {
      const place = await allocate(gpu, tensor);
      own({ destroy: () => destroyStorage(place) });
      storage.set(tensor, place);
      writeStorage(gpu, place, rowBytes(tensor), 0, data);
    };
    await upload(input, new Uint8Array(x.buffer));
    await upload(weight, bytes);
    const pool = own(new SlotPool(gpu));
    const program = own(await Program.create(gpu, { graph, pool, external: (tensor) => storage.get(tensor) }));
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    program.record(pass);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const y32 = new Float32Array(await readStorage(gpu, program.storageOf(y)));
    gpu.check();
    return y32;
  });
  let [difference, norm] = [0, 0];
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < OUT; column += 1) {
      let sum = 0;
      for (let k = 0; k < INNER; k += 1) sum += (x[row * INNER + k] ?? 0) * (w[column * INNER + k] ?? 0);
      difference += (sum - (got[row * OUT + column] ?? Number.NaN)) ** 2;
      norm += sum ** 2;
    }
  }
  return Math.sqrt(difference / norm);
}
