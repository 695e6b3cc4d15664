/** @file The rotary tables of a model on the device: one per rotary embedding that its layers choose from. */

import { allOrNothing } from "../engine/allOrNothing.ts";
import { type Gpu, createBuffer } from "../engine/device.ts";
import { rotaryTable } from "../engine/operators/rotary.ts";
import type { Storage } from "../engine/storage.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "./config.ts";

/** Name of the graph input that takes a table. */
export function rotaryTableName(index: number): string {
  return index === 0 ? "rotary table" : `rotary table ${index + 1}`;
}

export class RotaryTables {
  /** Rows of each: positions 0 to `positions` - 1. */
  readonly positions: number;
  readonly #buffers: ReadonlyMap<string, GPUBuffer>;

  private constructor(positions: number, buffers: ReadonlyMap<string, GPUBuffer>) {
    this.positions = positions;
    this.#buffers = buffers;
  }

  /** Bytes that the tables take. */
  static bytes({ ropes, headDim }: DecoderConfig, positions: number): number {
    return 4 * positions * headDim * ropes.length;
  }

  /** @throws MemoryError when the device is out of memory; nothing is held then */
  static create(gpu: Gpu, { ropes, headDim }: DecoderConfig, positions: number): Promise<RotaryTables> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    return allOrNothing(async (own) => {
      const buffers = new Map<string, GPUBuffer>();
      for (const [index, { theta, scaling }] of ropes.entries()) {
        const table = rotaryTable({ headDim, theta, positions, scaling });
        const name = rotaryTableName(index);
        const buffer = own(await createBuffer(gpu, table.byteLength, usage, name));
        gpu.device.queue.writeBuffer(buffer, 0, table as Float32Array<ArrayBuffer>);
        buffers.set(name, buffer);
      }
      return new RotaryTables(positions, buffers);
    });
  }

  get bytes(): number {
    return [...this.#buffers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Of a graph's input; undefined for anything else. */
  storageOf(tensor: Tensor): Storage | undefined {
    const buffer = tensor.kind === "input" ? this.#buffers.get(tensor.name) : undefined;
    return buffer && { parts: [{ row: 0, rows: this.positions, view: { buffer, offset: 0, size: buffer.size } }] };
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }
}
