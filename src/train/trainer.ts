/**
 * @file The training loop's one step: micro-batches in, new adapter and a few scalars out; one encoder, one submit.
 *
 *     prepare (nothing is computed; may be done while the device works on the step before)
 *         clear gradients, stats
 *         per micro-batch:  copy its inputs ▸ forward ▸ loss ▸ reverse pass (gradients +=)
 *         penalty's gradient (+=) ▸ gradient norm ▸ AdamW
 *         copy stats to the host
 *     take: the optimiser's scalars, submit, read the stats
 */

import { STATS } from "../engine/batchScalars.ts";
import { type Gpu, createBuffer } from "../engine/device.ts";
import type { Dispatch } from "../engine/encoder.ts";
import { BasinError, DivergedError } from "../base/error.ts";
import { OPTIMISER_SCALARS, encodeOptimiserScalars, optimiserDispatches } from "../engine/optimiser.ts";
import type { ParameterStore } from "../engine/parameters.ts";
import { DispatchTimer } from "../engine/profile.ts";
import { Program, SlotPool } from "../engine/program.ts";
import type { BufferView, Storage } from "../engine/storage.ts";
import type { LoadedModel } from "../model/loadModel.ts";
import type { AdaptedModule } from "../model/lora.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import type { BatchCapacity, PackedBatch } from "../text/batches.ts";
import { type TrainingGraph, encodeBatch, statsLength, trainingGraph } from "./trainingGraph.ts";

export interface OptimiserSettings {
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  readonly weight_decay: number;
  /** 0 = no clipping. */
  readonly max_grad_norm: number;
}

/** What a method adds to the step: dispatches between the reverse pass and the optimiser. */
export interface Penalty {
  readonly lambda: number;
  readonly dispatches: readonly Dispatch[];
}

export interface TrainerOptions {
  readonly gpu: Gpu;
  readonly model: LoadedModel;
  readonly modules: readonly AdaptedModule[];
  readonly parameters: ParameterStore;
  /** Made by `createStats`; the penalty's dispatches write to it. */
  readonly stats: BufferView;
  readonly optimiser: OptimiserSettings;
  readonly lora_dropout: number;
  readonly seed: number;
  /** Largest first; every micro-batch fits one of them exactly (bucketCapacities). */
  readonly capacities: readonly BatchCapacity[];
  /** Micro-batches of one optimiser step, at most. */
  readonly gradient_accumulation_steps: number;
  readonly penalty?: Penalty;
  /** Compute each layer again in the reverse pass instead of keeping its values. */
  readonly checkpoint?: boolean;
}

/** What one optimiser step reports. */
export interface StepResult {
  readonly ce: number;
  readonly penalty: number;
  readonly loss: number;
  readonly grad_norm: number;
  /** Penalty of each module, in module order; before lambda. */
  readonly modulePenalties: Float32Array;
}

/** A step that is recorded and not yet taken. */
export interface PreparedStep {
  readonly commands: GPUCommandBuffer;
  /** Tokens that carry loss, in all micro-batches. */
  readonly labels: number;
  readonly microBatches: number;
}

/** The buffer that kernels report scalars in. */
export async function createStats(gpu: Gpu, modules: number): Promise<BufferView> {
  const size = 4 * statsLength(modules);
  return {
    buffer: await createBuffer(
      gpu,
      size,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      "stats",
    ),
    offset: 0,
    size,
  };
}

interface Bucket {
  readonly training: TrainingGraph;
  readonly program: Program;
}

export class Trainer {
  readonly #options: TrainerOptions;
  readonly #buckets: ReadonlyMap<string, Bucket>;
  readonly #tail: Program;
  readonly #pool: SlotPool;
  readonly #inputs: GPUBuffer;
  readonly #upload: GPUBuffer;
  readonly #rotary: RotaryTables;
  readonly #scalars: GPUBuffer;
  /** What `stats` is read back through. */
  readonly #staging: GPUBuffer;
  /** A micro-batch on its way to the device, one at a time. */
  readonly #words: Uint32Array<ArrayBuffer>;
  #step = 0;
  /** Micro-batches of the steps taken: what dropout masks are counted by. */
  #counter = 0;
  #prepared: PreparedStep | null = null;

  private constructor(
    options: TrainerOptions,
    parts: {
      buckets: ReadonlyMap<string, Bucket>;
      tail: Program;
      pool: SlotPool;
      inputs: GPUBuffer;
      upload: GPUBuffer;
      rotary: RotaryTables;
      scalars: GPUBuffer;
      staging: GPUBuffer;
    },
  ) {
    this.#options = options;
    this.#buckets = parts.buckets;
    this.#tail = parts.tail;
    this.#pool = parts.pool;
    this.#inputs = parts.inputs;
    this.#upload = parts.upload;
    this.#rotary = parts.rotary;
    this.#scalars = parts.scalars;
    this.#staging = parts.staging;
    this.#words = new Uint32Array(parts.inputs.size / 4);
  }

  /** Build and compile everything a run needs. @throws BasinError when memory does not suffice. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { gpu, model, parameters, stats, modules, capacities } = options;
    const { config } = model;
    const positions = Math.max(...capacities.map(({ tokens }) => tokens));
    const graphs = capacities.map((capacity) => ({
      capacity,
      training: trainingGraph({
        config,
        dtype: (name) => model.dtype(name),
        modules,
        dropout: options.lora_dropout,
        capacity,
        positions,
        activationCheckpointing: options.checkpoint ?? false,
      }),
    }));
    const blockBytes = Math.max(...graphs.map(({ training }) => training.block.bytes));
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const inputs = await createBuffer(gpu, blockBytes, storage, "batch");
    const upload = await createBuffer(
      gpu,
      blockBytes * options.gradient_accumulation_steps,
      GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      "batch upload",
    );
    const rotary = await RotaryTables.create(gpu, config, positions);
    const scalars = await createBuffer(gpu, 4 * OPTIMISER_SCALARS, storage, "optimiser scalars");
    const staging = await createBuffer(
      gpu,
      stats.size,
      GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      "stats for the host",
    );
    const pool = new SlotPool(gpu);
    const whole = (buffer: GPUBuffer, size: number, rows: number): Storage => ({
      parts: [{ row: 0, rows, view: { buffer, offset: 0, size } }],
    });
    const build = async ({ capacity, training }: (typeof graphs)[number]): Promise<[string, Bucket]> => {
      const program = await Program.create(gpu, {
        graph: training.graph,
        plan: training.plan,
        pool,
        external: (tensor) => {
          if (tensor === training.stats) return whole(stats.buffer, stats.size, stats.size / 4);
          if (tensor.kind === "input") return rotary.storageOf(tensor) ?? training.block.storageIn(inputs, tensor.name);
          return model.storageOf(tensor) ?? parameters.storageOf(tensor);
        },
      });
      return [key(capacity), { training, program }];
    };
    const optimise = optimiserDispatches(gpu, parameters, {
      scalars: { buffer: scalars, offset: 0, size: 4 * OPTIMISER_SCALARS },
      stats,
      clip: options.optimiser.max_grad_norm > 0,
    });
    // Side by side, so that the pipelines of all shapes, of the penalty and of the optimiser compile at the same time.
    const last = Program.fromDispatches(gpu, [...(options.penalty?.dispatches ?? []), ...optimise]);
    const shapes = graphs.map(build);
    try {
      const [tail, buckets] = await Promise.all([last, Promise.all(shapes)]);
      return new Trainer(options, { buckets: new Map(buckets), tail, pool, inputs, upload, rotary, scalars, staging });
    } catch (error) {
      // Nobody will have them: the others must not take memory that a smaller run could use.
      await Promise.allSettled([last, ...shapes]);
      for (const buffer of [inputs, upload, scalars, staging]) buffer.destroy();
      rotary.destroy();
      pool.destroy();
      throw error;
    }
  }

  /** Bytes of activations and inputs that this trainer holds. */
  get bytes(): { readonly activations: number; readonly inputs: number } {
    return {
      activations: this.#pool.bytes,
      inputs: this.#inputs.size + this.#upload.size + this.#rotary.bytes + this.#scalars.size,
    };
  }

  /** Optimiser steps taken. */
  get steps(): number {
    return this.#step;
  }

  /**
   * Go on as after so many steps, of so many micro-batches in all (dropout masks are counted by them); from the
   * beginning unless said. The adapter and its moments are the caller's to write.
   */
  restart(
    { steps, microBatches }: { readonly steps: number; readonly microBatches: number } = { steps: 0, microBatches: 0 },
  ): void {
    this.#step = steps;
    this.#counter = microBatches;
    this.#prepared = null;
  }

  /** Dispatches of one step with one micro-batch of the largest shape, with their names and FLOPs (bench, profile). */
  get dispatches(): readonly Dispatch[] {
    const [first] = this.#buckets.values();
    return [...(first?.program.dispatches ?? []), ...this.#tail.dispatches];
  }

  /**
   * ms of each of `dispatches` in a step with this micro-batch of the largest shape, by the device's own clock. It is a
   * step whose learning rate is 0: the adapter stays, its moments do not, so profile a trainer of its own.
   * @throws BasinError when the device has no timestamps
   */
  async timeDispatches(batch: PackedBatch): Promise<number[]> {
    const { gpu, model, parameters, stats, optimiser, seed } = this.#options;
    const { training, program } = this.#bucketOf(batch);
    const timer = await DispatchTimer.create(gpu, program.dispatches.length + this.#tail.dispatches.length);
    gpu.device.queue.writeBuffer(
      this.#scalars,
      0,
      encodeOptimiserScalars({ ...optimiser, learning_rate: 0, step: Math.max(1, this.#step) }),
    );
    gpu.device.queue.writeBuffer(
      this.#inputs,
      0,
      encodeBatch(
        model.config,
        training.block,
        batch,
        { seed, counter: this.#counter, lossScale: 1 / Math.max(1, batch.labelCount) },
        this.#words,
      ),
    );
    const encoder = gpu.device.createCommandEncoder();
    encoder.clearBuffer(parameters.buffers.gradients);
    encoder.clearBuffer(stats.buffer);
    program.recordTimed(encoder, (index) => timer.writes(index));
    this.#tail.recordTimed(encoder, (index) => timer.writes(program.dispatches.length + index));
    timer.resolve(encoder);
    gpu.device.queue.submit([encoder.finish()]);
    const times = await timer.read();
    timer.destroy();
    return times;
  }

  /**
   * One optimiser step: one submit, no new buffer or bind group. Steps are taken one at a time: await each before the
   * next. The micro-batches must have been packed to one of the trainer's capacities.
   * @throws DivergedError when the loss is not finite; the adapter then still has its values from before the step.
   */
  async step(microBatches: readonly PackedBatch[], learning_rate: number): Promise<StepResult> {
    return this.take(this.prepare(microBatches), learning_rate);
  }

  /**
   * Records the step after those that were taken, and sends its micro-batches on their way; nothing is computed. It may
   * be called while the step before is still being computed. One step is prepared at a time: preparing another makes
   * this one void, and so does `restart`.
   */
  prepare(microBatches: readonly PackedBatch[]): PreparedStep {
    const { gpu, model, parameters, stats, seed } = this.#options;
    const { queue } = gpu.device;
    const labels = microBatches.reduce((sum, { labelCount }) => sum + labelCount, 0);
    const encoder = gpu.device.createCommandEncoder();
    encoder.clearBuffer(parameters.buffers.gradients);
    encoder.clearBuffer(stats.buffer);
    microBatches.forEach((batch, index) => {
      const bucket = this.#bucketOf(batch);
      const { block } = bucket.training;
      const bytes = encodeBatch(
        model.config,
        block,
        batch,
        { seed, counter: this.#counter + index, lossScale: 1 / Math.max(1, labels) },
        this.#words,
      );
      const at = index * this.#inputs.size;
      // The queue writes in order: the step before has copied its own inputs by then.
      queue.writeBuffer(this.#upload, at, bytes);
      encoder.copyBufferToBuffer(this.#upload, at, this.#inputs, 0, block.bytes);
      const pass = encoder.beginComputePass();
      bucket.program.record(pass);
      pass.end();
    });
    const pass = encoder.beginComputePass();
    this.#tail.record(pass);
    pass.end();
    encoder.copyBufferToBuffer(stats.buffer, stats.offset, this.#staging, 0, stats.size);
    const prepared = { commands: encoder.finish(), labels, microBatches: microBatches.length };
    this.#prepared = prepared;
    return prepared;
  }

  /**
   * Takes the prepared step: sends it before it returns, and resolves when it is computed. Await each before taking the
   * next.
   * @throws BasinError when no token carries loss; DivergedError as `step` does
   */
  async take(prepared: PreparedStep, learning_rate: number): Promise<StepResult> {
    const { gpu, optimiser } = this.#options;
    const { queue } = gpu.device;
    if (prepared !== this.#prepared) throw new Error("another step was prepared meanwhile, or this one was taken");
    this.#prepared = null;
    if (prepared.labels === 0) {
      throw new BasinError({
        what: "A batch has no token that carries loss",
        where: `optimiser step ${this.#step + 1}`,
        fix: "Check the labels of the dataset (all -100) or raise max_length.",
      });
    }
    this.#step += 1;
    this.#counter += prepared.microBatches;
    queue.writeBuffer(this.#scalars, 0, encodeOptimiserScalars({ ...optimiser, learning_rate, step: this.#step }));
    queue.submit([prepared.commands]);
    await this.#staging.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(this.#staging.getMappedRange(0, this.#staging.size).slice(0));
    this.#staging.unmap();
    gpu.check();
    return this.#report(values);
  }

  destroy(): void {
    for (const { program } of this.#buckets.values()) program.destroy();
    this.#tail.destroy();
    this.#pool.destroy();
    this.#rotary.destroy();
    for (const buffer of [this.#inputs, this.#upload, this.#scalars, this.#staging]) buffer.destroy();
  }

  #bucketOf({ tokens, labelTargets }: PackedBatch): Bucket {
    const bucket = this.#buckets.get(key({ tokens, labels: labelTargets.length }));
    if (!bucket) throw new Error(`no program for ${tokens} tokens and ${labelTargets.length} labels`);
    return bucket;
  }

  #report(values: Float32Array): StepResult {
    const ce = values[STATS.crossEntropy] ?? Number.NaN;
    const penalty = values[STATS.penalty] ?? Number.NaN;
    const grad_norm = Math.sqrt(values[STATS.gradientNormSquared] ?? Number.NaN);
    const loss = ce + (this.#options.penalty?.lambda ?? 0) * penalty;
    if (!Number.isFinite(loss) || !Number.isFinite(grad_norm)) {
      throw new DivergedError({
        what: `The loss became ${Number.isFinite(loss) ? "finite but its gradient did not" : String(loss)}`,
        where: `optimiser step ${this.#step}`,
        fix: "Lower learning_rate or lambda, or set max_grad_norm to 1. The adapter from before this step is kept.",
      });
    }
    return {
      ce,
      penalty,
      loss,
      grad_norm,
      modulePenalties: values.slice(STATS.modules, STATS.modules + this.#options.modules.length),
    };
  }
}

function key({ tokens, labels }: BatchCapacity): string {
  return `${tokens}x${labels}`;
}
