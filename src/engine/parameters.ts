/**
 * @file All trainable tensors in one flat f32 buffer, with gradients and AdamW's two moments laid out alike.
 *
 * One layout means that the optimiser, the gradient norm and clipping are one dispatch each, however many adapters
 * there are. Each tensor starts at a multiple of 64 floats (256 bytes), so that kernels can bind it on its own; the
 * padding stays zero.
 */

import { allOrNothing } from "./allOrNothing.ts";
import { type Gpu, createBuffer } from "./device.ts";
import { type BufferView, type Storage, readStorage } from "./storage.ts";
import { type Shape, type Tensor, elementCount } from "./tensor.ts";

export interface ParameterRegion {
  readonly name: string;
  readonly shape: Shape;
  /** Offset in floats, a multiple of 64. */
  readonly offset: number;
  /** Number of floats, without padding. */
  readonly count: number;
}

export interface ParameterLayout {
  readonly regions: ReadonlyMap<string, ParameterRegion>;
  /** Floats including padding. */
  readonly total: number;
}

export function layoutParameters(
  parameters: readonly { readonly name: string; readonly shape: Shape }[],
): ParameterLayout {
  const regions = new Map<string, ParameterRegion>();
  let total = 0;
  for (const { name, shape } of parameters) {
    const count = elementCount(shape);
    regions.set(name, { name, shape, offset: total, count });
    total += Math.ceil(count / 64) * 64;
  }
  return { regions, total };
}

export type ParameterBuffer = "values" | "gradients" | "moment1" | "moment2";

export class ParameterStore {
  readonly layout: ParameterLayout;
  readonly buffers: Readonly<Record<ParameterBuffer, GPUBuffer>>;
  readonly #gpu: Gpu;

  private constructor(gpu: Gpu, layout: ParameterLayout, buffers: Readonly<Record<ParameterBuffer, GPUBuffer>>) {
    this.#gpu = gpu;
    this.layout = layout;
    this.buffers = buffers;
  }

  /** Bytes that a layout takes on the device: values, gradients and two moments. */
  static bytes(layout: ParameterLayout): number {
    return 4 * 4 * layout.total;
  }

  /** @throws MemoryError when the device is out of memory; nothing is held then */
  static create(gpu: Gpu, layout: ParameterLayout): Promise<ParameterStore> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return allOrNothing(async (own) => {
      const make = async (label: string): Promise<GPUBuffer> =>
        own(await createBuffer(gpu, 4 * layout.total, usage, label));
      return new ParameterStore(gpu, layout, {
        values: await make("adapter"),
        gradients: await make("adapter gradients"),
        moment1: await make("AdamW first moment"),
        moment2: await make("AdamW second moment"),
      });
    });
  }

  /** Storage of parameters and gradients by name, undefined for other kinds; for `ProgramOptions.external`. */
  storageOf(tensor: Tensor): Storage | undefined {
    if (tensor.kind !== "parameter" && tensor.kind !== "gradient") return undefined;
    const region = this.layout.regions.get(tensor.name);
    if (!region) return undefined;
    const buffer = tensor.kind === "parameter" ? this.buffers.values : this.buffers.gradients;
    return {
      parts: [
        { row: 0, rows: region.shape[0] ?? 1, view: { buffer, offset: 4 * region.offset, size: 4 * region.count } },
      ],
    };
  }

  /** A whole flat buffer in ranges no larger than one binding, with the offset in floats of each. */
  ranges(which: ParameterBuffer): readonly { readonly start: number; readonly view: BufferView }[] {
    const buffer = this.buffers[which];
    const perRange = Math.floor(this.#gpu.maxBinding / 256) * 64;
    const ranges: { start: number; view: BufferView }[] = [];
    for (let start = 0; start < this.layout.total; start += perRange) {
      const count = Math.min(perRange, this.layout.total - start);
      ranges.push({ start, view: { buffer, offset: 4 * start, size: 4 * count } });
    }
    return ranges;
  }

  write(which: ParameterBuffer, name: string, values: Float32Array): void {
    const region = this.layout.regions.get(name);
    if (!region || region.count !== values.length)
      throw new Error(`parameter ${name} does not take ${values.length} values`);
    this.#gpu.device.queue.writeBuffer(this.buffers[which], 4 * region.offset, values as Float32Array<ArrayBuffer>);
  }

  /** Every tensor of one flat buffer, by name. */
  async readAll(which: ParameterBuffer): Promise<Map<string, Float32Array>> {
    const view = { buffer: this.buffers[which], offset: 0, size: 4 * this.layout.total };
    const flat = new Float32Array(await readStorage(this.#gpu, { parts: [{ row: 0, rows: 1, view }] }));
    const result = new Map<string, Float32Array>();
    for (const region of this.layout.regions.values())
      result.set(region.name, flat.slice(region.offset, region.offset + region.count));
    return result;
  }

  destroy(): void {
    for (const buffer of Object.values(this.buffers)) buffer.destroy();
  }
}
