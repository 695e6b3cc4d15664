/**
 * @file The buffers of a trainer beside its programs: batches on their way to the device, scalars both ways, rotary
 * tables.
 */
import { allOrNothing } from "../engine/allOrNothing.ts";
import { type Gpu, createBuffer } from "../engine/device.ts";
import { OPTIMISER_SCALARS } from "../engine/optimiser.ts";
import type { BufferView } from "../engine/storage.ts";
import type { DecoderConfig } from "../model/config.ts";
import { RotaryTables } from "../model/rotaryTables.ts";

export interface TrainerSizes {
  readonly config: DecoderConfig;
  /** Bytes of the largest input block. */
  readonly block: number;
  /** Micro-batches of one optimiser step, at most. */
  readonly microBatches: number;
  /** Rows of the rotary tables. */
  readonly positions: number;
  /** Bytes of `stats`. */
  readonly stats: number;
  /** Bytes of the gradient norm's partial sums. */
  readonly partial: number;
}

interface Parts {
  readonly rotary: RotaryTables;
  readonly inputs: GPUBuffer;
  readonly upload: GPUBuffer;
  readonly scalars: GPUBuffer;
  readonly partial: GPUBuffer;
  readonly staging: GPUBuffer;
}

export class TrainerBuffers {
  readonly rotary: RotaryTables;
  /** The micro-batch that is being computed. */
  readonly inputs: GPUBuffer;
  /** All micro-batches of a step. */
  readonly upload: GPUBuffer;
  /** What the optimiser reads each step. */
  readonly scalars: BufferView;
  /** Partial sums of the gradient norm. */
  readonly partial: BufferView;
  /** What `stats` is read back through. */
  readonly staging: GPUBuffer;

  private constructor({ rotary, inputs, upload, scalars, partial, staging }: Parts) {
    this.rotary = rotary;
    this.inputs = inputs;
    this.upload = upload;
    this.scalars = { buffer: scalars, offset: 0, size: 4 * OPTIMISER_SCALARS };
    this.partial = { buffer: partial, offset: 0, size: partial.size };
    this.staging = staging;
  }

  /** @throws MemoryError when the device is out of memory; nothing is held then */
  static create(
    gpu: Gpu,
    { config, block, microBatches, positions, stats, partial }: TrainerSizes,
  ): Promise<TrainerBuffers> {
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const upload = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const download = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return allOrNothing(async (own) => {
      const make = async (size: number, usage: GPUBufferUsageFlags, label: string): Promise<GPUBuffer> =>
        own(await createBuffer(gpu, size, usage, label));
      return new TrainerBuffers({
        inputs: await make(block, storage, "batch"),
        upload: await make(block * microBatches, upload, "batch upload"),
        rotary: own(await RotaryTables.create(gpu, config, positions)),
        scalars: await make(4 * OPTIMISER_SCALARS, storage, "optimiser scalars"),
        partial: await make(partial, GPUBufferUsage.STORAGE, "gradient norm"),
        staging: await make(stats, download, "stats for the host"),
      });
    });
  }

  /** Bytes on the device, without the read-back. */
  get bytes(): number {
    return this.inputs.size + this.upload.size + this.rotary.bytes + this.scalars.buffer.size;
  }

  destroy(): void {
    this.rotary.destroy();
    for (const buffer of [this.inputs, this.upload, this.scalars.buffer, this.partial.buffer, this.staging])
      buffer.destroy();
  }
}
