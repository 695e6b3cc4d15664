/**
 * @file A model whose weights are moved along directions, on the device.
 *
 *     originals ──copy──▶ weights ──perturb.wgsl, one dispatch per tensor and direction──▶ W + Σ k · d
 *
 * Every move starts from the originals, never from the last point: nothing drifts, and at the origin the weights are
 * the originals bit for bit. Tensors in scope are held in float32 twice (originals and weights), whatever the
 * checkpoint's type, and once more for each stored direction that changes them; all others as the checkpoint has them.
 */
import { allOrNothing, type Own } from "../../engine/allOrNothing.ts";
import { type Gpu, createBuffer } from "../../engine/device.ts";
import { type Dispatch, dispatchOf } from "../../engine/encoder.ts";
import { perturbFamily } from "../../engine/kernels.ts";
import { Program } from "../../engine/program.ts";
import { type BufferView, type Storage, allocate, destroyStorage, writeStorage } from "../../engine/storage.ts";
import { type DType, type Tensor, elementCount, rowBytes, tensorBytes } from "../../engine/tensor.ts";
import type { DecoderConfig } from "../../model/config.ts";
import { type WeightSpec, weightSpecs } from "../../model/layout.ts";
import { LoadedModel, modelBytes, weightDTypes } from "../../model/loadModel.ts";
import type { AdapterUpdate } from "../../weights/mergeModel.ts";
import type { TensorReader } from "../../weights/tensorReader.ts";
import type { Axis, TensorSums } from "./axes.ts";
import { gaussians, quantileTable, streamKey } from "./gaussian.ts";
import { readValues } from "./readValues.ts";

/** A direction in the space of all weights. */
export type Direction =
  /** N(0, 1), computed where it is needed; 0 in norms. */
  | { readonly kind: "noise"; readonly seed: number }
  /** Stored; null for a tensor that it does not change. */
  | { readonly kind: "stored"; readonly values: (weight: WeightSpec) => Promise<Float32Array<ArrayBuffer> | null> };

export interface PerturbedModelOptions {
  readonly gpu: Gpu;
  readonly config: DecoderConfig;
  readonly name: string;
  readonly reader: TensorReader;
  /** The part of an adapter that is merged into this tensor of the originals (in float32), in scope or not. */
  readonly merged: (weight: WeightSpec) => Pick<AdapterUpdate, "addTo"> | undefined;
  readonly directions: readonly Direction[];
  /** Whether a tensor is moved at all. */
  readonly inScope: (weight: WeightSpec) => boolean;
  readonly signal?: AbortSignal;
}

/** Random directions leave these as they are. */
export function isNorm({ name }: Pick<WeightSpec, "name">): boolean {
  return name.includes("norm");
}

/** Bytes of the weights on the device, originals and stored directions included. */
export function perturbedBytes(
  { config, reader, name, inScope, merged }: Omit<PerturbedModelOptions, "gpu" | "directions">,
  changedBy: (weight: WeightSpec) => number,
): number {
  const dtypes = weightDTypes(config, reader, name);
  return weightSpecs(config).reduce((sum, weight) => {
    const dtype = merged(weight) === undefined ? (dtypes.get(weight.name) ?? "f32") : "f32";
    const whole = 4 * elementCount(weight.shape);
    return sum + (inScope(weight) ? whole * (2 + changedBy(weight)) : tensorBytes({ ...weight, dtype }));
  }, 0);
}

interface Moved {
  readonly originals: Storage;
  readonly weights: Storage;
}

interface Parts {
  readonly model: LoadedModel;
  readonly sums: readonly TensorSums[];
  readonly moved: readonly Moved[];
  readonly coefficients: GPUBuffer;
  readonly program: Program;
  readonly others: readonly { destroy(): void }[];
}

export class PerturbedModel {
  /** To be read by a generator; its weights change with `moveTo`. */
  readonly model: LoadedModel;
  /** Of the tensors in scope. */
  readonly sums: readonly TensorSums[];
  readonly #gpu: Gpu;
  readonly #parts: Parts;

  private constructor(gpu: Gpu, parts: Parts) {
    this.#gpu = gpu;
    this.#parts = parts;
    this.model = parts.model;
    this.sums = parts.sums;
  }

  /** @throws BasinError as `loadModel`; MemoryError when the device is out of memory. Nothing is held then. */
  static create(options: PerturbedModelOptions): Promise<PerturbedModel> {
    return allOrNothing(async (own) => new PerturbedModel(options.gpu, await new Loading(options, own).load()));
  }

  /** The weights at these coordinates: the originals, and Σ coordinate · axis. */
  moveTo(coordinates: readonly number[], axes: readonly Axis[]): void {
    const { moved, coefficients, program } = this.#parts;
    const { device } = this.#gpu;
    const factors = this.sums.flatMap(({ products }, t) =>
      products.map((_, i) => coordinates.reduce((sum, at, axis) => sum + at * (axes[axis]?.[t]?.[i] ?? 0), 0)),
    );
    device.queue.writeBuffer(coefficients, 0, Float32Array.from(factors));
    const encoder = device.createCommandEncoder();
    for (const { originals, weights } of moved) copyStorage(encoder, originals, weights);
    const pass = encoder.beginComputePass();
    program.record(pass);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  /** The originals. */
  restore(): void {
    this.moveTo([], []);
  }

  destroy(): void {
    const { program, moved, coefficients, others } = this.#parts;
    program.destroy();
    this.model.destroy();
    for (const { originals } of moved) destroyStorage(originals);
    coefficients.destroy();
    for (const one of others) one.destroy();
  }
}

function copyStorage(encoder: GPUCommandEncoder, from: Storage, to: Storage): void {
  from.parts.forEach(({ view }, i) => {
    const target = to.parts[i]?.view;
    if (target === undefined) throw new Error("originals and weights are laid out differently");
    encoder.copyBufferToBuffer(view.buffer, view.offset, target.buffer, target.offset, view.size);
  });
}

/** Reads the checkpoint tensor by tensor: of all of them only one is in the host's memory. */
class Loading {
  readonly #options: PerturbedModelOptions;
  readonly #own: Own;
  readonly #weights = new Map<string, { dtype: DType; storage: Storage }>();
  readonly #sums: TensorSums[] = [];
  readonly #moved: Moved[] = [];
  readonly #others: { destroy(): void }[] = [];
  readonly #dispatches: ((coefficients: BufferView, quantiles: BufferView) => Dispatch)[] = [];

  constructor(options: PerturbedModelOptions, own: Own) {
    this.#options = options;
    this.#own = own;
  }

  async load(): Promise<Parts> {
    const { gpu, config, name, reader, inScope, signal } = this.#options;
    const specs = weightSpecs(config);
    const dtypes = weightDTypes(config, reader, name);
    reader.prefetch?.(
      specs.map((spec) => spec.name),
      signal,
    );
    for (const spec of specs) {
      if (inScope(spec)) await this.#movedTensor(spec);
      else await this.#plainTensor(spec, dtypes.get(spec.name) ?? "f32");
    }
    const bytes = modelBytes(config, reader, name);
    const model = new LoadedModel(config, name, bytes, this.#weights);
    const slots = this.#sums.length * this.#options.directions.length;
    const coefficients = await this.#buffer(Math.max(16, 4 * slots), "landscape coefficients");
    const table = quantileTable();
    const quantiles = await this.#buffer(table.byteLength, "landscape quantiles");
    this.#others.push(quantiles);
    gpu.device.queue.writeBuffer(quantiles, 0, table);
    const whole = (buffer: GPUBuffer): BufferView => ({ buffer, offset: 0, size: buffer.size });
    const program = await Program.fromDispatches(
      gpu,
      this.#dispatches.map((dispatch) => dispatch(whole(coefficients), whole(quantiles))),
    );
    return { model, sums: this.#sums, moved: this.#moved, coefficients, program, others: this.#others };
  }

  async #buffer(size: number, label: string): Promise<GPUBuffer> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    return this.#own(await createBuffer(this.#options.gpu, size, usage, label));
  }

  async #storage(tensor: Tensor): Promise<Storage> {
    const storage = await allocate(this.#options.gpu, tensor);
    this.#own({ destroy: () => destroyStorage(storage) });
    return storage;
  }

  /** A tensor in float32 on the device. */
  async #filled(spec: WeightSpec, values: Float32Array<ArrayBuffer>): Promise<Storage> {
    const tensor = tensorOf(spec, "f32");
    const storage = await this.#storage(tensor);
    writeStorage(this.#options.gpu, storage, rowBytes(tensor), 0, new Uint8Array(values.buffer));
    return storage;
  }

  async #plainTensor(spec: WeightSpec, dtype: DType): Promise<void> {
    const { gpu, reader, merged, signal } = this.#options;
    const update = merged(spec);
    if (update !== undefined) {
      const values = await readValues(reader, spec, signal);
      update.addTo(values, 0);
      this.#weights.set(spec.name, { dtype: "f32", storage: await this.#filled(spec, values) });
      return;
    }
    const tensor = tensorOf(spec, dtype);
    const storage = await this.#storage(tensor);
    this.#weights.set(spec.name, { dtype, storage });
    let offset = 0;
    for await (const chunk of reader.read(spec.name, signal)) {
      writeStorage(gpu, storage, rowBytes(tensor), offset, chunk);
      offset += chunk.byteLength;
    }
  }

  async #movedTensor(spec: WeightSpec): Promise<void> {
    const { reader, merged, signal } = this.#options;
    const values = await readValues(reader, spec, signal);
    merged(spec)?.addTo(values, 0);
    const [originals, weights] = [await this.#filled(spec, values), await this.#filled(spec, values)];
    this.#weights.set(spec.name, { dtype: "f32", storage: weights });
    this.#moved.push({ originals, weights });
    await this.#directionsOf(spec, values, weights);
  }

  async #directionsOf(spec: WeightSpec, values: Float32Array, weights: Storage): Promise<void> {
    const { directions } = this.#options;
    const first = this.#sums.length * directions.length;
    const found: (Float32Array<ArrayBuffer> | null)[] = [];
    for (const [i, direction] of directions.entries()) {
      if (direction.kind === "noise") {
        const key = streamKey(direction.seed, spec.name);
        found.push(isNorm(spec) ? null : gaussians(key, elementCount(spec.shape)));
        if (!isNorm(spec)) this.#dispatchParts(spec, weights, { slot: first + i, key0: key[0], key1: key[1] }, null);
        continue;
      }
      const own = await direction.values(spec);
      const changes = own?.some((value) => value !== 0) === true;
      found.push(changes ? own : null);
      if (!changes || own === null) continue;
      const stored = await this.#filled(spec, own);
      this.#others.push({ destroy: () => destroyStorage(stored) });
      this.#dispatchParts(spec, weights, { slot: first + i, key0: 0, key1: 0 }, stored);
    }
    this.#sums.push({
      tensor: spec.name,
      weights: innerProduct(values, values),
      products: found.map((left) => found.map((right) => (left && right ? innerProduct(left, right) : 0))),
    });
  }

  #dispatchParts(
    spec: WeightSpec,
    weights: Storage,
    stream: { readonly slot: number; readonly key0: number; readonly key1: number },
    stored: Storage | null,
  ): void {
    const width = elementCount(spec.shape.slice(1));
    weights.parts.forEach(({ view, row, rows }, part) => {
      const count = rows * width;
      const direction = stored?.parts[part]?.view;
      this.#dispatches.push((coefficients, quantiles) =>
        dispatchOf({
          family: perturbFamily,
          entry: stored === null ? "noise" : "along",
          constants: {},
          bindings: {
            coefficients,
            weights: view,
            ...(stored === null ? { quantiles } : direction === undefined ? {} : { direction }),
          },
          params: { count, first: row * width, ...stream },
          groups: Math.ceil(count / 256),
          label: `perturb ${spec.name}`,
          flops: 2 * count,
        }),
      );
    });
  }
}

function tensorOf({ name, shape }: WeightSpec, dtype: DType): Tensor {
  return { id: -1, name, shape, dtype, kind: "weight" };
}

function innerProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
