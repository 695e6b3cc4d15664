/**
 * @file The device side of a generator: buffers of the sizes that `GeneratorSizes` asks for, programs of its graphs,
 * and their passes.
 */

import type { BatchCapacity, CachedBatch, LabelledBatch } from "../batch/batch.ts";
import { type Gpu, createBuffer } from "../engine/device.ts";
import { Program, SlotPool } from "../engine/program.ts";
import { type Storage, readStorage } from "../engine/storage.ts";
import type { Tensor } from "../engine/tensor.ts";
import { cacheLayout } from "../model/kvCache.ts";
import type { LoadedModel } from "../model/loadModel.ts";
import type { AdapterOnDevice } from "../model/lora.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import type { DecodeGraph, ScoreGraph, SharedSizes } from "./generationGraph.ts";
import { GeneratorSizes } from "./generatorSizes.ts";

/**
 * What a decoding pass gives: the tokens that the device chose (u32[B]), the logits to choose from (f32[B, vocabSize]).
 */
export type DecodeOutput = "next" | "logits";

/** A graph with the program that was built from it. */
export interface Runnable<G> {
  readonly built: G;
  readonly program: Program;
}

export interface DecodeRequest {
  /** One per pass. From the second on, ids are the tokens that the pass before chose. */
  readonly batches: readonly CachedBatch[];
  /** What is read back of each pass, one after the other. */
  readonly wanted: readonly DecodeOutput[];
  readonly signal: AbortSignal | undefined;
}

export class InferencePrograms {
  readonly #gpu: Gpu;
  readonly #model: LoadedModel;
  readonly #adapter: AdapterOnDevice | undefined;
  #sizes: GeneratorSizes;
  readonly #pool: SlotPool;
  readonly #programs = new Map<DecodeGraph | ScoreGraph, Program>();
  /** By the name of the graph's input. */
  readonly #cache = new Map<string, GPUBuffer>();
  #rotary: RotaryTables | undefined;
  #inputs: GPUBuffer | undefined;
  /** What the buffers were allocated for. */
  #allocated = { positions: 0, cacheRows: 0, inputBytes: 0 };

  constructor(gpu: Gpu, model: LoadedModel, adapter: AdapterOnDevice | undefined) {
    this.#gpu = gpu;
    this.#model = model;
    this.#adapter = adapter;
    this.#pool = new SlotPool(gpu);
    this.#sizes = this.#noSizes();
  }

  /** Makes room for what comes; buffers are allocated with the next program. */
  reserve(sizes: SharedSizes): void {
    this.#sizes.reserve(sizes);
  }

  decode(tokens: number, sequences: number): Promise<Runnable<DecodeGraph>> {
    return this.#runnable(this.#sizes.decode(tokens, sequences));
  }

  score(capacity: BatchCapacity): Promise<Runnable<ScoreGraph>> {
    return this.#runnable(this.#sizes.score(capacity));
  }

  /**
   * Submits decoding passes.
   * @returns once they are submitted: what waits for the device and reads, an output per pass
   */
  submit(
    { built, program }: Runnable<DecodeGraph>,
    { batches, wanted, signal }: DecodeRequest,
  ): () => Promise<ArrayBuffer[]> {
    signal?.throwIfAborted();
    const { device } = this.#gpu;
    const inputs = this.#inputs ?? never();
    const { block } = built.inputs;
    const next = program.storageOf(built.next).parts[0]?.view ?? never();
    const views = wanted.flatMap((name) => program.storageOf(built[name]).parts.map(({ view }) => view));
    const size = views.reduce((sum, view) => sum + view.size, 0);
    const upload = device.createBuffer({
      size: block.bytes * batches.length,
      usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    const staging = device.createBuffer({
      size: Math.max(16, size * batches.length),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = device.createCommandEncoder();
    batches.forEach((batch, index) => {
      device.queue.writeBuffer(upload, index * block.bytes, built.inputs.encode(batch));
      encoder.copyBufferToBuffer(upload, index * block.bytes, inputs, 0, block.bytes);
      if (index > 0) encoder.copyBufferToBuffer(next.buffer, next.offset, inputs, 0, next.size);
      record(encoder, program);
      let at = index * size;
      for (const view of views) {
        encoder.copyBufferToBuffer(view.buffer, view.offset, staging, at, view.size);
        at += view.size;
      }
    });
    device.queue.submit([encoder.finish()]);
    const mapped = staging.mapAsync(GPUMapMode.READ);
    // Whoever submits may fail before it reads.
    mapped.catch(() => undefined);
    return async () => {
      await mapped;
      const bytes = staging.getMappedRange();
      const outputs = batches.map((_, index) => bytes.slice(index * size, (index + 1) * size));
      staging.destroy();
      upload.destroy();
      this.#gpu.check();
      return outputs;
    };
  }

  /** One pass over labelled rows. @returns the loss of each label row, fillers last */
  async rowLosses({ built, program }: Runnable<ScoreGraph>, batch: LabelledBatch): Promise<Float32Array> {
    const { device } = this.#gpu;
    const bytes = built.inputs.encode(batch, { seed: 0, counter: 0, lossScale: 1 });
    device.queue.writeBuffer(this.#inputs ?? never(), 0, bytes);
    const encoder = device.createCommandEncoder();
    record(encoder, program);
    device.queue.submit([encoder.finish()]);
    const losses = new Float32Array(await readStorage(this.#gpu, program.storageOf(built.rowLoss)));
    this.#gpu.check();
    return losses;
  }

  destroy(): void {
    this.#release();
    this.#pool.destroy();
  }

  #noSizes(): GeneratorSizes {
    const { config } = this.#model;
    const modules = this.#adapter?.modules ?? [];
    return new GeneratorSizes({ config, dtype: (name) => this.#model.dtype(name), modules });
  }

  async #runnable<G extends DecodeGraph | ScoreGraph>(built: G): Promise<Runnable<G>> {
    await this.#allocate();
    const known = this.#programs.get(built);
    if (known) return { built, program: known };
    const program = await Program.create(this.#gpu, {
      graph: built.graph,
      pool: this.#pool,
      external: (tensor) => this.#storageOf(tensor, built),
    });
    this.#programs.set(built, program);
    return { built, program };
  }

  /**
   * Brings the buffers to the sizes that are asked for.
   * @throws BasinError when there is no memory; nothing is held then
   */
  async #allocate(): Promise<void> {
    const { positions, cacheRows, inputBytes } = this.#sizes;
    const { positions: oldPositions, cacheRows: oldCacheRows, inputBytes: oldInputBytes } = this.#allocated;
    if (positions === oldPositions && cacheRows === oldCacheRows && inputBytes === oldInputBytes) return;
    // They were bound to the old buffers.
    this.#dropPrograms();
    try {
      if (positions !== oldPositions) await this.#allocateRotary(positions);
      if (cacheRows !== oldCacheRows) await this.#allocateCache(cacheRows);
      if (inputBytes !== oldInputBytes) await this.#allocateInputs(inputBytes);
      this.#allocated = { positions, cacheRows, inputBytes };
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  async #allocateRotary(positions: number): Promise<void> {
    this.#rotary?.destroy();
    this.#rotary = undefined;
    this.#rotary = await RotaryTables.create(this.#gpu, this.#model.config, positions);
  }

  /** Keys and values of each layer, [cacheRows, kvHeads · headDim]. */
  async #allocateCache(cacheRows: number): Promise<void> {
    this.#dropCache();
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    for (const { keys, values, width } of cacheLayout(this.#model.config)) {
      for (const name of [keys, values])
        this.#cache.set(name, await createBuffer(this.#gpu, 4 * cacheRows * width, usage, name));
    }
  }

  async #allocateInputs(bytes: number): Promise<void> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#inputs?.destroy();
    this.#inputs = undefined;
    this.#inputs = await createBuffer(this.#gpu, bytes, usage, "inputs");
  }

  /** Frees everything but the slots. */
  #release(): void {
    this.#dropPrograms();
    this.#inputs?.destroy();
    this.#inputs = undefined;
    this.#rotary?.destroy();
    this.#rotary = undefined;
    this.#dropCache();
    this.#allocated = { positions: 0, cacheRows: 0, inputBytes: 0 };
    this.#sizes = this.#noSizes();
  }

  #storageOf(tensor: Tensor, { inputs }: DecodeGraph | ScoreGraph): Storage | undefined {
    if (tensor.kind !== "input") return this.#model.storageOf(tensor) ?? this.#adapter?.parameters.storageOf(tensor);
    const buffer = this.#cache.get(tensor.name);
    if (buffer) {
      return { parts: [{ row: 0, rows: tensor.shape[0] ?? 1, view: { buffer, offset: 0, size: buffer.size } }] };
    }
    return this.#rotary?.storageOf(tensor) ?? inputs.block.storageIn(this.#inputs ?? never(), tensor.name);
  }

  #dropPrograms(): void {
    for (const program of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  #dropCache(): void {
    for (const buffer of this.#cache.values()) buffer.destroy();
    this.#cache.clear();
  }
}

function record(encoder: GPUCommandEncoder, program: Program): void {
  const pass = encoder.beginComputePass();
  program.record(pass);
  pass.end();
}

function never(): never {
  throw new Error("unreachable");
}
