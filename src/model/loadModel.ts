/**
 * @file A model on the device: its frozen weights, streamed tensor by tensor, in the type the checkpoint stores them
 * in, or the layers' matrices quantised on the way (as bitsandbytes does: embeddings, norms, biases and the head stay
 * as they are).
 */

import { allOrNothing } from "../engine/allOrNothing.ts";
import type { Gpu } from "../engine/device.ts";
import { BasinError } from "../base/error.ts";
import { isQuantised, scaleBytes } from "../engine/quantised.ts";
import { type Storage, allocate, destroyStorage, writeScales, writeStorage } from "../engine/storage.ts";
import { type DType, type QuantisedDType, type Tensor, rowBytes, tensorBytes } from "../engine/tensor.ts";
import { type QuantisationError, createQuantiser } from "../weights/quantise.ts";
import { noSuchTensor, type CheckpointDType, type TensorInfo, type TensorReader } from "../weights/tensorReader.ts";
import type { DecoderConfig } from "./config.ts";
import { type WeightSpec, linearModules, weightSpecs } from "./layout.ts";

export interface LoadOptions {
  /** Bytes on the device so far, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** Quantise the layers' matrices to this while they stream in. */
  readonly quantization?: QuantisedDType | null;
  /** Name for messages. */
  readonly name?: string;
}

const DTYPES: Readonly<Record<CheckpointDType, DType>> = { F32: "f32", F16: "f16", BF16: "bf16" };

/** One quantised matrix: how far it is from the stored one, and its bytes on the device, scales included. */
export interface QuantisedTensor extends QuantisationError {
  readonly tensor: string;
  readonly dtype: QuantisedDType;
  readonly bytes: number;
}

export class LoadedModel {
  readonly config: DecoderConfig;
  readonly name: string;
  /** Bytes of all weights on the device. */
  readonly bytes: number;
  /** The matrices that were quantised, in the model's order; empty where none was. */
  readonly quantised: readonly QuantisedTensor[];
  readonly #weights: ReadonlyMap<string, { readonly dtype: DType; readonly storage: Storage }>;

  constructor(
    config: DecoderConfig,
    name: string,
    bytes: number,
    weights: ReadonlyMap<string, { dtype: DType; storage: Storage }>,
    quantised: readonly QuantisedTensor[] = [],
  ) {
    this.config = config;
    this.name = name;
    this.bytes = bytes;
    this.quantised = quantised;
    this.#weights = weights;
  }

  dtype(name: string): DType {
    const weight = this.#weights.get(name);
    if (!weight) throw new Error(`no weight ${name}`);
    return weight.dtype;
  }

  /** Where a weight is on the device. */
  storage(name: string): Storage | undefined {
    return this.#weights.get(name)?.storage;
  }

  storageOf(tensor: Tensor): Storage | undefined {
    return tensor.kind === "weight" ? this.storage(tensor.name) : undefined;
  }

  destroy(): void {
    for (const { storage } of this.#weights.values()) destroyStorage(storage);
  }
}

/**
 * Bytes that the weights of this checkpoint take on the device; nothing is read.
 * @throws BasinError like `loadModel`
 */
export function modelBytes(
  config: DecoderConfig,
  reader: TensorReader,
  name = "model",
  quantization: QuantisedDType | null = null,
): number {
  return deviceTensors(config, reader, name, quantization).reduce((sum, { tensor }) => sum + weightBytes(tensor), 0);
}

/** The type that each weight has on the device. @throws BasinError like `loadModel` */
export function weightDTypes(
  config: DecoderConfig,
  reader: TensorReader,
  name = "model",
  quantization: QuantisedDType | null = null,
): ReadonlyMap<string, DType> {
  return new Map(deviceTensors(config, reader, name, quantization).map(({ tensor }) => [tensor.name, tensor.dtype]));
}

/**
 * Stream a checkpoint's weights to the device. Host memory stays at a few chunks whatever the size.
 * @throws BasinError when a tensor is missing, has another shape than the configuration says, or holds NaN; MemoryError
 * when the device is out of memory. Nothing is held then.
 */
export async function loadModel(
  gpu: Gpu,
  config: DecoderConfig,
  reader: TensorReader,
  options: LoadOptions = {},
): Promise<LoadedModel> {
  const { name = "model", quantization = null, signal } = options;
  const tensors = deviceTensors(config, reader, name, quantization);
  const total = tensors.reduce((sum, { info }) => sum + info.byteLength, 0);
  const bytes = tensors.reduce((sum, { tensor }) => sum + weightBytes(tensor), 0);
  let done = 0;
  const arrived = (count: number): void => {
    done += count;
    options.onProgress?.(done, total);
  };
  reader.prefetch?.(
    tensors.map(({ tensor }) => tensor.name),
    signal,
  );
  return allOrNothing(async (own) => {
    const weights = new Map<string, { dtype: DType; storage: Storage }>();
    const quantised: QuantisedTensor[] = [];
    for (const { tensor, info } of tensors) {
      const storage = await allocate(gpu, tensor);
      own({ destroy: () => destroyStorage(storage) });
      weights.set(tensor.name, { dtype: tensor.dtype, storage });
      const chunks = reader.read(tensor.name, signal);
      if (isQuantised(tensor.dtype))
        quantised.push(await quantiseInto(gpu, tensor, tensor.dtype, storage, info, chunks, arrived));
      else await copyInto(gpu, tensor, storage, chunks, arrived);
    }
    return new LoadedModel(config, name, bytes, weights, quantised);
  });
}

async function copyInto(
  gpu: Gpu,
  tensor: Tensor,
  storage: Storage,
  chunks: AsyncIterable<Uint8Array>,
  arrived: (bytes: number) => void,
): Promise<void> {
  let offset = 0;
  for await (const chunk of chunks) {
    writeStorage(gpu, storage, rowBytes(tensor), offset, chunk);
    offset += chunk.byteLength;
    arrived(chunk.byteLength);
  }
}

async function quantiseInto(
  gpu: Gpu,
  tensor: Tensor,
  dtype: QuantisedDType,
  storage: Storage,
  info: TensorInfo,
  chunks: AsyncIterable<Uint8Array>,
  arrived: (bytes: number) => void,
): Promise<QuantisedTensor> {
  const quantiser = createQuantiser(tensor.shape, info.dtype, dtype);
  let offset = 0;
  const write = (packed: Uint8Array): void => {
    if (packed.byteLength > 0) writeStorage(gpu, storage, rowBytes(tensor), offset, packed);
    offset += packed.byteLength;
  };
  for await (const chunk of chunks) {
    write(quantiser.push(chunk));
    arrived(chunk.byteLength);
  }
  const { rest, scales, relative_error, max_abs_error } = quantiser.finish();
  write(rest);
  writeScales(gpu, storage, scales);
  return { tensor: tensor.name, dtype, relative_error, max_abs_error, bytes: weightBytes(tensor) };
}

function weightBytes(tensor: Tensor): number {
  return tensorBytes(tensor) + scaleBytes(tensor);
}

/** Every weight as it will be on the device, and its entry in the checkpoint. */
function deviceTensors(
  config: DecoderConfig,
  reader: TensorReader,
  name: string,
  quantization: QuantisedDType | null,
): { readonly tensor: Tensor; readonly info: TensorInfo }[] {
  const matrices = new Set(quantization === null ? [] : linearModules(config).map(({ path }) => `${path}.weight`));
  return weightSpecs(config).map((spec) => {
    const info = checked(reader, spec, name);
    const dtype = quantization !== null && matrices.has(spec.name) ? quantization : DTYPES[info.dtype];
    return { info, tensor: { id: -1, name: spec.name, shape: spec.shape, dtype, kind: "weight" } };
  });
}

function checked(reader: TensorReader, spec: WeightSpec, name: string): TensorInfo {
  const info = reader.tensors.get(spec.name);
  if (!info) throw noSuchTensor(reader, spec.name, name);
  if (info.shape.length !== spec.shape.length || info.shape.some((size, axis) => size !== spec.shape[axis])) {
    throw new BasinError({
      what:
        `The tensor ${spec.name} has shape [${info.shape.join(", ")}], ` +
        `but config.json asks for [${spec.shape.join(", ")}]`,
      where: name,
      fix: "Use the config.json that belongs to these weights.",
    });
  }
  return info;
}
