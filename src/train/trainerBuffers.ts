/**
 * @file The buffers of a trainer beside its programs: batches on their way to the device, scalars both ways, rotary
 * tables.
 */
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
}

export class TrainerBuffers {
  readonly rotary: RotaryTables;
  /** The micro-batch that is being computed. */
  readonly inputs: GPUBuffer;
  /** All micro-batches of a step. */
  readonly upload: GPUBuffer;
  /** What the optimiser reads each step. */
  readonly scalars: BufferView;
  /** What `stats` is read back through. */
  readonly staging: GPUBuffer;

  private constructor(
    rotary: RotaryTables,
    inputs: GPUBuffer,
    upload: GPUBuffer,
    scalars: GPUBuffer,
    staging: GPUBuffer,
  ) {
    this.rotary = rotary;
    this.inputs = inputs;
    this.upload = upload;
    this.scalars = { buffer: scalars, offset: 0, size: 4 * OPTIMISER_SCALARS };
    this.staging = staging;
  }

  static async create(
    gpu: Gpu,
    { config, block, microBatches, positions, stats }: TrainerSizes,
  ): Promise<TrainerBuffers> {
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const upload = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const download = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const inputs = await createBuffer(gpu, block, storage, "batch");
    const uploads = await createBuffer(gpu, block * microBatches, upload, "batch upload");
    const rotary = await RotaryTables.create(gpu, config, positions);
    const scalars = await createBuffer(gpu, 4 * OPTIMISER_SCALARS, storage, "optimiser scalars");
    const staging = await createBuffer(gpu, stats, download, "stats for the host");
    return new TrainerBuffers(rotary, inputs, uploads, scalars, staging);
  }

  /** Bytes on the device, without the read-back. */
  get bytes(): number {
    return this.inputs.size + this.upload.size + this.rotary.bytes + this.scalars.buffer.size;
  }

  destroy(): void {
    this.rotary.destroy();
    for (const buffer of [this.inputs, this.upload, this.scalars.buffer, this.staging]) buffer.destroy();
  }
}
