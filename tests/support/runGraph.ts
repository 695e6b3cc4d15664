/** @file Run a small graph once on the test device: host arrays in, host arrays out. */

import type { Gpu } from "../../src/engine/device.ts";
import type { Graph } from "../../src/engine/graph.ts";
import { type ParameterLayout, ParameterStore, layoutParameters } from "../../src/engine/parameters.ts";
import { Program, SlotPool } from "../../src/engine/program.ts";
import {
  type Storage,
  allocate,
  destroyStorage,
  readStorage,
  writeScales,
  writeStorage,
} from "../../src/engine/storage.ts";
import { type Tensor, rowBytes, tensorBytes } from "../../src/engine/tensor.ts";

export interface GraphRun {
  /** Values, inputs and weights as f32 (or raw words for u32). */
  read(tensor: Tensor): Promise<Float32Array>;
  readWords(tensor: Tensor): Promise<Uint32Array>;
  /** Gradients that arrived in the flat buffer, by parameter name. */
  gradients(): Promise<Map<string, Float32Array>>;
  /** Run again after changing a tensor. */
  write(tensor: Tensor, data: ArrayBufferView): void;
  step(): Promise<void>;
  readonly program: Program;
  destroy(): void;
}

/**
 * Allocate, upload, run once. `data` gives bytes of every weight, parameter and input (missing ones are zero), `scales`
 * those of quantised weights.
 */
export async function runGraph(
  gpu: Gpu,
  graph: Graph,
  data: ReadonlyMap<Tensor, ArrayBufferView>,
  scales: ReadonlyMap<Tensor, Uint8Array<ArrayBuffer>> = new Map(),
): Promise<GraphRun> {
  const external = new Map<Tensor, Storage>();
  for (const tensor of graph.tensors) {
    if (tensor.kind === "weight" || tensor.kind === "input") external.set(tensor, await allocate(gpu, tensor));
  }
  const parameters = graph.tensors.filter((tensor) => tensor.kind === "parameter");
  const layout: ParameterLayout = layoutParameters(parameters);
  const store = await ParameterStore.create(gpu, layout);
  const write = (tensor: Tensor, view: ArrayBufferView): void => {
    if (tensor.kind === "parameter") {
      store.write(
        "values",
        tensor.name,
        new Float32Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength / 4),
      );
      return;
    }
    const storage = external.get(tensor);
    if (!storage) throw new Error(`${tensor.name} cannot be written`);
    writeStorage(
      gpu,
      storage,
      rowBytes(tensor),
      0,
      new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength),
    );
  };
  for (const [tensor, view] of data) write(tensor, view);
  for (const [tensor, bytes] of scales) {
    const storage = external.get(tensor);
    if (storage) writeScales(gpu, storage, bytes);
  }
  const pool = new SlotPool(gpu);
  const program = await Program.create(gpu, {
    graph,
    pool,
    external: (tensor) => external.get(tensor) ?? store.storageOf(tensor),
  });
  const step = async (): Promise<void> => {
    const encoder = gpu.device.createCommandEncoder();
    encoder.clearBuffer(store.buffers.gradients);
    const pass = encoder.beginComputePass();
    program.record(pass);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.device.queue.onSubmittedWorkDone();
    gpu.check();
  };
  // A buffer may be longer than its tensor.
  const bytesOf = async (tensor: Tensor): Promise<ArrayBuffer> =>
    (await readStorage(gpu, program.storageOf(tensor))).slice(0, tensorBytes(tensor));
  await step();
  return {
    read: async (tensor) => new Float32Array(await bytesOf(tensor)),
    readWords: async (tensor) => new Uint32Array(await bytesOf(tensor)),
    gradients: () => store.readAll("gradients"),
    write,
    step,
    program,
    destroy: () => {
      program.destroy();
      pool.destroy();
      store.destroy();
      for (const storage of external.values()) destroyStorage(storage);
    },
  };
}
