/**
 * @file The device side of a generator: buffers of the sizes that `GeneratorSizes` asks for, programs of its graphs,
 * and their passes.
 */

import type { BatchCapacity, CachedBatch, LabelledBatch } from "../batch/batch.ts";
import { Replaceable, allTogether } from "../engine/allOrNothing.ts";
import { mapForReading } from "../engine/completion.ts";
import { type Gpu, createBuffer } from "../engine/device.ts";
import { Program, SlotPool } from "../engine/program.ts";
import { type Storage, readStorage } from "../engine/storage.ts";
import type { Tensor } from "../engine/tensor.ts";
import { KvCache } from "../model/kvCache.ts";
import type { LoadedModel } from "../model/loadModel.ts";
import type { AdapterOnDevice } from "../model/lora.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import type { FittingBatch } from "./fittingBatches.ts";
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
  readonly #cache = new Replaceable<KvCache>();
  readonly #rotary = new Replaceable<RotaryTables>();
  readonly #inputs = new Replaceable<GPUBuffer>();
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

  /** See `GeneratorSizes.batches`. */
  batches(lengths: readonly number[], maxNewTokens: number): FittingBatch[] {
    return this.#sizes.batches(lengths, maxNewTokens);
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
   * @throws MemoryError when the device is out of memory
   */
  async submit(
    { built, program }: Runnable<DecodeGraph>,
    { batches, wanted, signal }: DecodeRequest,
  ): Promise<() => Promise<ArrayBuffer[]>> {
    signal?.throwIfAborted();
    const views = wanted.flatMap((name) => program.storageOf(built[name]).parts.map(({ view }) => view));
    const size = views.reduce((sum, view) => sum + view.size, 0);
    const { upload, staging, release } = await this.#transferBuffers(
      built.inputs.block.bytes * batches.length,
      size * batches.length,
    );
    try {
      const encoder = this.#gpu.device.createCommandEncoder();
      batches.forEach((batch, index) => {
        this.#recordPass(encoder, { built, program }, batch, { upload, index });
        let at = index * size;
        for (const view of views) {
          encoder.copyBufferToBuffer(view.buffer, view.offset, staging, at, view.size);
          at += view.size;
        }
      });
      this.#gpu.device.queue.submit([encoder.finish()]);
    } catch (error) {
      release();
      throw error;
    }
    const outputs = mapForReading(this.#gpu.device, staging)
      .then(() => {
        const bytes = staging.getMappedRange();
        return batches.map((_, index) => bytes.slice(index * size, (index + 1) * size));
      })
      .finally(release);
    // Whoever submits may fail before it reads.
    outputs.catch(() => undefined);
    return async () => {
      const read = await outputs;
      this.#gpu.check();
      return read;
    };
  }

  /** One pass over labelled rows. @returns the loss of each label row, fillers last */
  async rowLosses({ built, program }: Runnable<ScoreGraph>, batch: LabelledBatch): Promise<Float32Array> {
    const { device } = this.#gpu;
    const bytes = built.inputs.encode(batch, { seed: 0, counter: 0, lossScale: 1 });
    device.queue.writeBuffer(this.#inputs.current ?? never(), 0, bytes);
    const encoder = device.createCommandEncoder();
    record(encoder, program);
    device.queue.submit([encoder.finish()]);
    const losses = new Float32Array(await readStorage(this.#gpu, program.storageOf(built.rowLoss)));
    this.#gpu.check();
    return losses;
  }

  destroy(): void {
    this.#release();
  }

  /** Buffers of one submission: batches on their way to the device, outputs on their way back. */
  async #transferBuffers(
    up: number,
    down: number,
  ): Promise<{ readonly upload: GPUBuffer; readonly staging: GPUBuffer; readonly release: () => void }> {
    const [upload = never(), staging = never()] = await allTogether([
      createBuffer(this.#gpu, up, GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST, "batch upload"),
      createBuffer(this.#gpu, down, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, "outputs for the host"),
    ]);
    const release = (): void => {
      upload.destroy();
      staging.destroy();
    };
    return { upload, staging, release };
  }

  /** @param index of the pass: from the second on, ids are the tokens that the pass before chose */
  #recordPass(
    encoder: GPUCommandEncoder,
    { built, program }: Runnable<DecodeGraph>,
    batch: CachedBatch,
    { upload, index }: { readonly upload: GPUBuffer; readonly index: number },
  ): void {
    const { bytes } = built.inputs.block;
    const inputs = this.#inputs.current ?? never();
    const next = program.storageOf(built.next).parts[0]?.view ?? never();
    this.#gpu.device.queue.writeBuffer(upload, index * bytes, built.inputs.encode(batch));
    encoder.copyBufferToBuffer(upload, index * bytes, inputs, 0, bytes);
    if (index > 0) encoder.copyBufferToBuffer(next.buffer, next.offset, inputs, 0, next.size);
    record(encoder, program);
  }

  #noSizes(): GeneratorSizes {
    const { config } = this.#model;
    const modules = this.#adapter?.modules ?? [];
    return new GeneratorSizes({ config, dtype: (name) => this.#model.dtype(name), modules }, this.#gpu);
  }

  /** @throws MemoryError when the device is out of memory; nothing is held then */
  async #runnable<G extends DecodeGraph | ScoreGraph>(built: G): Promise<Runnable<G>> {
    try {
      await this.#allocate();
      this.#dropPrograms((graph) => !this.#sizes.holds(graph));
      const known = this.#programs.get(built);
      if (known) return { built, program: known };
      const program = await Program.create(this.#gpu, {
        graph: built.graph,
        pool: this.#pool,
        external: (tensor) => this.#storageOf(tensor, built),
      });
      this.#programs.set(built, program);
      return { built, program };
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** Brings the buffers to the sizes that are asked for. */
  async #allocate(): Promise<void> {
    const { positions, cacheRows, inputBytes } = this.#sizes;
    const { positions: oldPositions, cacheRows: oldCacheRows, inputBytes: oldInputBytes } = this.#allocated;
    if (positions === oldPositions && cacheRows === oldCacheRows && inputBytes === oldInputBytes) return;
    // They were bound to the old buffers.
    this.#dropPrograms();
    const { config } = this.#model;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    if (positions !== oldPositions) await this.#rotary.replace(() => RotaryTables.create(this.#gpu, config, positions));
    if (cacheRows !== oldCacheRows) await this.#cache.replace(() => KvCache.create(this.#gpu, config, cacheRows));
    if (inputBytes !== oldInputBytes)
      await this.#inputs.replace(() => createBuffer(this.#gpu, inputBytes, usage, "inputs"));
    this.#allocated = { positions, cacheRows, inputBytes };
  }

  #release(): void {
    this.#dropPrograms();
    for (const held of [this.#inputs, this.#rotary, this.#cache, this.#pool]) held.destroy();
    this.#allocated = { positions: 0, cacheRows: 0, inputBytes: 0 };
    this.#sizes = this.#noSizes();
  }

  #storageOf(tensor: Tensor, { inputs }: DecodeGraph | ScoreGraph): Storage | undefined {
    if (tensor.kind !== "input") return this.#model.storageOf(tensor) ?? this.#adapter?.parameters.storageOf(tensor);
    return (
      this.#cache.current?.storageOf(tensor) ??
      this.#rotary.current?.storageOf(tensor) ??
      inputs.block.storageIn(this.#inputs.current ?? never(), tensor.name)
    );
  }

  #dropPrograms(which: (graph: DecodeGraph | ScoreGraph) => boolean = () => true): void {
    for (const [graph, program] of [...this.#programs]) {
      if (!which(graph)) continue;
      program.destroy();
      this.#programs.delete(graph);
    }
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
