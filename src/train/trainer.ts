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

import type { BatchCapacity, LabelledBatch } from "../batch/batch.ts";
import { allOrNothing, allTogether } from "../engine/allOrNothing.ts";
import { STATS } from "../engine/batchScalars.ts";
import { mapForReading } from "../engine/completion.ts";
import { type Gpu, createBuffer } from "../engine/device.ts";
import type { Dispatch } from "../engine/encoder.ts";
import { BasinError, DivergedError } from "../base/error.ts";
import type { KlEstimator } from "../engine/operators/crossEntropy.ts";
import { encodeOptimiserScalars, optimiserDispatches, partialSumBytes } from "../engine/optimiser.ts";
import { DispatchTimer } from "../engine/profile.ts";
import { Program, SlotPool } from "../engine/program.ts";
import type { BufferView } from "../engine/storage.ts";
import type { LoadedModel } from "../model/loadModel.ts";
import type { AdapterOnDevice } from "../model/lora.ts";
import { TrainerBuffers } from "./trainerBuffers.ts";
import { type TrainingGraph, rotaryPositions, statsLength, trainingGraphs } from "./trainingGraph.ts";

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

export interface TrainerSettings extends OptimiserSettings {
  /** Of dropout. */
  readonly seed: number;
  readonly lora_dropout: number;
  /** Micro-batches of one optimiser step, at most. */
  readonly gradient_accumulation_steps: number;
  /** The estimator of the divergence where labels have terms; null (default): their loss is the cross-entropy. */
  readonly terms?: KlEstimator | null;
}

export interface TrainerOptions {
  readonly gpu: Gpu;
  readonly model: LoadedModel;
  readonly adapter: AdapterOnDevice;
  /** Made by `createStats`; the penalty's dispatches write to it. */
  readonly stats: BufferView;
  readonly settings: TrainerSettings;
  /** Largest first; every micro-batch fits one of them exactly (bucketCapacities). */
  readonly capacities: readonly BatchCapacity[];
  /** Recompute each layer in the reverse pass. */
  readonly activationCheckpointing?: boolean;
  readonly penalty?: Penalty;
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

/** The program of one batch shape. */
interface Bucket {
  readonly training: TrainingGraph;
  readonly program: Program;
}

/** What a trainer holds on the device. */
interface TrainerParts {
  /** By shape, the largest first. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** After the micro-batches: the penalty and the optimiser. */
  readonly tail: Program;
  readonly pool: SlotPool;
  readonly buffers: TrainerBuffers;
}

export class Trainer {
  readonly #options: TrainerOptions;
  readonly #buckets: TrainerParts["buckets"];
  readonly #tail: Program;
  readonly #pool: SlotPool;
  readonly #buffers: TrainerBuffers;
  /** A micro-batch on its way to the device, one at a time. */
  readonly #words: Uint32Array<ArrayBuffer>;
  #step = 0;
  /** Micro-batches of the steps taken: what dropout masks are counted by. */
  #counter = 0;
  #prepared: PreparedStep | null = null;

  private constructor(options: TrainerOptions, { buckets, tail, pool, buffers }: TrainerParts) {
    this.#options = options;
    this.#buckets = buckets;
    this.#tail = tail;
    this.#pool = pool;
    this.#buffers = buffers;
    this.#words = new Uint32Array(buffers.inputs.size / 4);
  }

  /**
   * Build and compile everything a run needs.
   * @throws MemoryError when memory does not suffice; nothing is held then
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { gpu, model, adapter, stats, settings, capacities } = options;
    const graphs = trainingGraphs(
      {
        config: model.config,
        dtype: (name) => model.dtype(name),
        modules: adapter.modules,
        dropout: settings.lora_dropout,
        activationCheckpointing: options.activationCheckpointing ?? false,
        terms: settings.terms ?? null,
      },
      capacities,
    );
    return allOrNothing(async (own) => {
      const sizes = {
        config: model.config,
        block: Math.max(...graphs.map(({ inputs }) => inputs.block.bytes)),
        microBatches: settings.gradient_accumulation_steps,
        positions: rotaryPositions(capacities),
        stats: stats.size,
        partial: partialSumBytes(adapter.parameters),
      };
      const buffers = own(await TrainerBuffers.create(gpu, sizes));
      const pool = own(new SlotPool(gpu));
      // Side by side, so that the pipelines of all shapes, of the penalty and of the optimiser compile together.
      const [tail, ...programs] = await allTogether([
        createTail(options, buffers),
        ...graphs.map((training) => createProgram(options, training, pool, buffers)),
      ]);
      const buckets = new Map<string, Bucket>();
      graphs.forEach((training, index) => {
        const program = programs[index];
        if (program) buckets.set(key(training.capacity), { training, program });
      });
      if (!tail) throw new Error("a trainer without an optimiser");
      return new Trainer(options, { buckets, tail, pool, buffers });
    });
  }

  /** Bytes of activations and inputs that this trainer holds. */
  get bytes(): { readonly activations: number; readonly inputs: number } {
    return { activations: this.#pool.bytes, inputs: this.#buffers.bytes };
  }

  /** Optimiser steps taken. */
  get steps(): number {
    return this.#step;
  }

  /**
   * Go on as after so many steps, of so many micro-batches in all (dropout masks are counted by them); from the
   * beginning by default. The adapter and its moments are the caller's to write.
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
  async timeDispatches(batch: LabelledBatch): Promise<number[]> {
    const { gpu, settings } = this.#options;
    const { queue } = gpu.device;
    const { training, program } = this.#bucketOf(batch);
    const { scalars, inputs } = this.#buffers;
    const timer = await DispatchTimer.create(gpu, program.dispatches.length + this.#tail.dispatches.length);
    try {
      const optimiser = encodeOptimiserScalars({ ...settings, learning_rate: 0, step: Math.max(1, this.#step) });
      queue.writeBuffer(scalars.buffer, 0, optimiser);
      queue.writeBuffer(inputs, 0, this.#encode(training, batch, 0, batch.labelCount));
      const encoder = this.#beginStep();
      program.recordTimed(encoder, (index) => timer.writes(index));
      this.#tail.recordTimed(encoder, (index) => timer.writes(program.dispatches.length + index));
      timer.resolve(encoder);
      queue.submit([encoder.finish()]);
      return await timer.read();
    } finally {
      timer.destroy();
    }
  }

  /**
   * One optimiser step: one submit, no new buffer or bind group. Steps are taken one at a time: await each before the
   * next. The micro-batches must have been packed to one of the trainer's capacities.
   * @throws DivergedError when the loss is not finite; the adapter then still has its values from before the step.
   */
  async step(microBatches: readonly LabelledBatch[], learning_rate: number): Promise<StepResult> {
    return this.take(this.prepare(microBatches), learning_rate);
  }

  /**
   * Records the step after those that were taken, and sends its micro-batches on their way; nothing is computed. It may
   * be called while the step before is still being computed. One step is prepared at a time: preparing another makes
   * this one void, and so does `restart`.
   */
  prepare(microBatches: readonly LabelledBatch[]): PreparedStep {
    const { gpu, stats } = this.#options;
    const { inputs, upload, staging } = this.#buffers;
    const labels = microBatches.reduce((sum, { labelCount }) => sum + labelCount, 0);
    const encoder = this.#beginStep();
    microBatches.forEach((batch, index) => {
      const { training, program } = this.#bucketOf(batch);
      const at = index * inputs.size;
      // The queue writes in order: the step before has copied its own inputs by then.
      gpu.device.queue.writeBuffer(upload, at, this.#encode(training, batch, index, labels));
      encoder.copyBufferToBuffer(upload, at, inputs, 0, training.inputs.block.bytes);
      record(encoder, program);
    });
    record(encoder, this.#tail);
    encoder.copyBufferToBuffer(stats.buffer, stats.offset, staging, 0, stats.size);
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
    const { gpu, settings } = this.#options;
    const { queue } = gpu.device;
    const { scalars, staging } = this.#buffers;
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
    queue.writeBuffer(scalars.buffer, 0, encodeOptimiserScalars({ ...settings, learning_rate, step: this.#step }));
    queue.submit([prepared.commands]);
    await mapForReading(gpu.device, staging);
    const values = new Float32Array(staging.getMappedRange(0, staging.size).slice(0));
    staging.unmap();
    gpu.check();
    return this.#report(values);
  }

  destroy(): void {
    for (const { program } of this.#buckets.values()) program.destroy();
    this.#tail.destroy();
    this.#pool.destroy();
    this.#buffers.destroy();
  }

  #bucketOf({ tokens, labelTargets }: LabelledBatch): Bucket {
    const bucket = this.#buckets.get(key({ tokens, labels: labelTargets.length }));
    if (!bucket) throw new Error(`no program for ${tokens} tokens and ${labelTargets.length} labels`);
    return bucket;
  }

  /** Commands that begin a step: its gradients and figures start at zero. */
  #beginStep(): GPUCommandEncoder {
    const { gpu, adapter, stats } = this.#options;
    const encoder = gpu.device.createCommandEncoder();
    encoder.clearBuffer(adapter.parameters.buffers.gradients);
    encoder.clearBuffer(stats.buffer);
    return encoder;
  }

  /** @param index of the micro-batch in its step @param labels of the whole step */
  #encode({ inputs }: TrainingGraph, batch: LabelledBatch, index: number, labels: number): Uint8Array<ArrayBuffer> {
    const { seed } = this.#options.settings;
    const scalars = { seed, counter: this.#counter + index, lossScale: 1 / Math.max(1, labels) };
    return inputs.encode(batch, scalars, this.#words);
  }

  #report(values: Float32Array): StepResult {
    const ce = values[STATS.crossEntropy] ?? Number.NaN;
    const penalty = values[STATS.penalty] ?? Number.NaN;
    const grad_norm = Math.sqrt(values[STATS.gradientNormSquared] ?? Number.NaN);
    const loss = ce + (this.#options.penalty?.lambda ?? 0) * penalty;
    if (!Number.isFinite(loss) || !Number.isFinite(grad_norm)) {
      throw new DivergedError({
        what: Number.isFinite(loss) ? "The gradient is not finite" : `The loss became ${loss}`,
        where: `optimiser step ${this.#step}`,
        fix: "Lower learning_rate or lambda, or set max_grad_norm to 1. The adapter from before this step is kept.",
      });
    }
    return {
      ce,
      penalty,
      loss,
      grad_norm,
      modulePenalties: values.slice(STATS.modules, STATS.modules + this.#options.adapter.modules.length),
    };
  }
}

function createProgram(
  { gpu, model, adapter, stats }: TrainerOptions,
  training: TrainingGraph,
  pool: SlotPool,
  { rotary, inputs }: TrainerBuffers,
): Promise<Program> {
  const { block } = training.inputs;
  return Program.create(gpu, {
    graph: training.graph,
    plan: training.plan,
    pool,
    external: (tensor) => {
      if (tensor === training.stats) return { parts: [{ row: 0, rows: stats.size / 4, view: stats }] };
      if (tensor.kind === "input") return rotary.storageOf(tensor) ?? block.storageIn(inputs, tensor.name);
      return model.storageOf(tensor) ?? adapter.parameters.storageOf(tensor);
    },
  });
}

function createTail(
  { gpu, adapter, stats, settings, penalty }: TrainerOptions,
  { scalars, partial }: TrainerBuffers,
): Promise<Program> {
  const clip = settings.max_grad_norm > 0;
  const optimise = optimiserDispatches(adapter.parameters, { scalars, stats, partial, clip });
  return Program.fromDispatches(gpu, [...(penalty?.dispatches ?? []), ...optimise]);
}

function record(encoder: GPUCommandEncoder, program: Program): void {
  const pass = encoder.beginComputePass();
  program.record(pass);
  pass.end();
}

function key({ tokens, labels }: BatchCapacity): string {
  return `${tokens}x${labels}`;
}
