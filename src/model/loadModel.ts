/**
 * @file A model on the device: its frozen weights, streamed tensor by tensor, in the type the checkpoint stores them in.
 */

import type { Gpu } from "../engine/device.ts";
import { BasinError } from "../engine/error.ts";
import { type Storage, allocate, destroyStorage, writeStorage } from "../engine/storage.ts";
import { type DType, type Tensor, rowBytes, tensorBytes } from "../engine/tensor.ts";
import type { CheckpointDType, TensorReader } from "../weights/tensorReader.ts";
import type { DecoderConfig } from "./config.ts";
import { type WeightSpec, weightSpecs } from "./layout.ts";

export interface LoadOptions {
  /** Bytes on the device so far, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** Name for messages. */
  readonly name?: string;
}

const DTYPES: Readonly<Record<CheckpointDType, DType>> = { F32: "f32", F16: "f16", BF16: "bf16" };

export class LoadedModel {
  readonly config: DecoderConfig;
  readonly name: string;
  /** Bytes of all weights on the device. */
  readonly bytes: number;
  readonly #weights: ReadonlyMap<string, { readonly dtype: DType; readonly storage: Storage }>;

  constructor(config: DecoderConfig, name: string, bytes: number, weights: ReadonlyMap<string, { dtype: DType; storage: Storage }>) {
    this.config = config;
    this.name = name;
    this.bytes = bytes;
    this.#weights = weights;
  }

  dtype(name: string): DType {
    const weight = this.#weights.get(name);
    if (!weight) throw new Error(`no weight ${name}`);
    return weight.dtype;
  }

  storageOf(tensor: Tensor): Storage | undefined {
    return tensor.kind === "weight" ? this.#weights.get(tensor.name)?.storage : undefined;
  }

  destroy(): void {
    for (const { storage } of this.#weights.values()) destroyStorage(storage);
  }
}

/** Bytes that the weights of this checkpoint take on the device; nothing is read. @throws BasinError like `loadModel`. */
export function modelBytes(config: DecoderConfig, reader: TensorReader, name = "model"): number {
  return weightSpecs(config).reduce((sum, spec) => sum + tensorBytes(checked(reader, spec, name)), 0);
}

/**
 * Stream a checkpoint's weights to the device. Host memory stays at a few chunks whatever the size.
 * @throws BasinError when a tensor is missing, has another shape than the configuration says, or holds NaN.
 */
export async function loadModel(gpu: Gpu, config: DecoderConfig, reader: TensorReader, options: LoadOptions = {}): Promise<LoadedModel> {
  const name = options.name ?? "model";
  const specs = weightSpecs(config);
  const total = modelBytes(config, reader, name);
  const weights = new Map<string, { dtype: DType; storage: Storage }>();
  let done = 0;
  reader.prefetch?.(specs.map((spec) => spec.name), options.signal);
  try {
    for (const spec of specs) {
      const tensor = checked(reader, spec, name);
      const storage = await allocate(gpu, tensor);
      weights.set(spec.name, { dtype: tensor.dtype, storage });
      let offset = 0;
      for await (const chunk of reader.read(spec.name, options.signal)) {
        writeStorage(gpu, storage, rowBytes(tensor), offset, chunk);
        offset += chunk.byteLength;
        done += chunk.byteLength;
        options.onProgress?.(done, total);
      }
    }
  } catch (error) {
    for (const { storage } of weights.values()) destroyStorage(storage);
    throw error;
  }
  return new LoadedModel(config, name, total, weights);
}

function checked(reader: TensorReader, spec: WeightSpec, name: string): Tensor {
  const info = reader.tensors.get(spec.name);
  if (!info) {
    throw new BasinError({
      what: `The checkpoint has no tensor ${spec.name}`,
      where: name,
      fix: "Check that config.json belongs to these weights and that every shard is there.",
    });
  }
  if (info.shape.length !== spec.shape.length || info.shape.some((size, axis) => size !== spec.shape[axis])) {
    throw new BasinError({
      what: `The tensor ${spec.name} has shape [${info.shape.join(", ")}], but config.json asks for [${spec.shape.join(", ")}]`,
      where: name,
      fix: "Use the config.json that belongs to these weights.",
    });
  }
  return { id: -1, name: spec.name, shape: spec.shape, dtype: DTYPES[info.dtype], kind: "weight" };
}
