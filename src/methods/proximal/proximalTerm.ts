/**
 * @file The proximal term ½ ‖w - centre‖² over all A and B of an adapter: on the device, one module's part and the sum
 * in `stats`, and rho times its gradient in the flat gradients (shaders/proximal.wgsl).
 *
 *     centre    as large as the parameters: the adapter as it stood when `moveCentre` was called
 *     state     1 where the term counts in this step, else 0
 *     windows   [first, end) of each module in the flat buffers
 */

import { allOrNothing } from "../../engine/allOrNothing.ts";
import { type Gpu, createBuffer } from "../../engine/device.ts";
import { type Dispatch, dispatchOf } from "../../engine/encoder.ts";
import { proximalFamily } from "../../engine/kernels.ts";
import type { ParameterLayout, ParameterStore } from "../../engine/parameters.ts";
import type { BufferView } from "../../engine/storage.ts";
import { windowOf } from "../adapterWindow.ts";
import { readFloats } from "../readFloats.ts";
import type { AdaptedModule, MethodContext } from "../stages.ts";

const STATE_BYTES = 16;

/** Bytes of a term on the device. */
export function proximalBytes(modules: readonly AdaptedModule[], layout: ParameterLayout): number {
  return 4 * layout.total + STATE_BYTES + windowBytes(modules);
}

/** Two words a module, and no less than a binding may have. */
function windowBytes(modules: readonly AdaptedModule[]): number {
  return 8 * Math.max(2, modules.length);
}

interface ProximalBuffers {
  readonly centre: GPUBuffer;
  readonly state: GPUBuffer;
  readonly windows: GPUBuffer;
}

type ProximalContext = Pick<MethodContext, "gpu" | "modules" | "parameters" | "stats">;

export class ProximalTerm {
  readonly dispatches: readonly Dispatch[];
  readonly bytes: number;
  readonly #gpu: Gpu;
  readonly #modules: readonly AdaptedModule[];
  readonly #parameters: ParameterStore;
  readonly #buffers: ProximalBuffers;

  private constructor(context: ProximalContext, buffers: ProximalBuffers, rho: number) {
    const { gpu, modules, parameters } = context;
    this.#gpu = gpu;
    this.#modules = modules;
    this.#parameters = parameters;
    this.#buffers = buffers;
    this.bytes = proximalBytes(modules, parameters.layout);
    this.dispatches = proximalDispatches(context, buffers, rho);
  }

  /** @throws MemoryError when the device is out of memory; nothing is held then */
  static create(context: ProximalContext, rho: number): Promise<ProximalTerm> {
    const { gpu, modules, parameters } = context;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return allOrNothing(async (own) => {
      const make = async (size: number, label: string): Promise<GPUBuffer> =>
        own(await createBuffer(gpu, size, usage, `proximal ${label}`));
      const centre = await make(4 * parameters.layout.total, "centre");
      const state = await make(STATE_BYTES, "state");
      const windows = await make(windowBytes(modules), "windows");
      const ends = modules
        .map((module) => windowOf(module, parameters.layout))
        .flatMap(({ start, count }) => [start, start + count]);
      gpu.device.queue.writeBuffer(windows, 0, Uint32Array.from(ends));
      return new ProximalTerm(context, { centre, state, windows }, rho);
    });
  }

  /** The adapter as it stands becomes the centre. */
  moveCentre(): void {
    const encoder = this.#gpu.device.createCommandEncoder();
    const { centre } = this.#buffers;
    encoder.copyBufferToBuffer(this.#parameters.buffers.values, 0, centre, 0, centre.size);
    this.#gpu.device.queue.submit([encoder.finish()]);
  }

  /** Whether the term counts in the next step. */
  setActive(active: boolean): void {
    this.#gpu.device.queue.writeBuffer(this.#buffers.state, 0, new Float32Array([active ? 1 : 0]));
  }

  readCentre(): Promise<Float32Array> {
    return this.#read(this.#buffers.centre);
  }

  /** @throws Error for values that `readCentre` has not given */
  writeCentre(values: Float32Array | undefined): void {
    const { centre } = this.#buffers;
    if (values?.byteLength !== centre.size) throw new Error(`a centre of ${centre.size} bytes is needed`);
    this.#gpu.device.queue.writeBuffer(centre, 0, values as Float32Array<ArrayBuffer>);
  }

  /** ½ ‖w - centre‖² of each module as it stands, in f64. */
  async distances(): Promise<{ path: string; penalty: number }[]> {
    const values = await this.#read(this.#parameters.buffers.values);
    const centre = await this.readCentre();
    return this.#modules.map((module) => {
      const { start, count } = windowOf(module, this.#parameters.layout);
      let sum = 0;
      for (let at = start; at < start + count; at += 1) sum += ((values[at] ?? 0) - (centre[at] ?? 0)) ** 2;
      return { path: module.path, penalty: sum / 2 };
    });
  }

  destroy(): void {
    for (const buffer of Object.values(this.#buffers) as GPUBuffer[]) buffer.destroy();
  }

  /** A buffer that is laid out as the parameters. */
  #read(buffer: GPUBuffer): Promise<Float32Array> {
    return readFloats(this.#gpu, { buffer, offset: 0, size: 4 * this.#parameters.layout.total });
  }
}

/** Three dispatches, however many modules there are (two more for each further range of the flat buffers). */
function proximalDispatches(
  { modules, parameters, stats }: ProximalContext,
  buffers: ProximalBuffers,
  rho: number,
): Dispatch[] {
  const whole = (buffer: GPUBuffer): BufferView => ({ buffer, offset: 0, size: buffer.size });
  const [state, windows] = [whole(buffers.state), whole(buffers.windows)];
  const common = { first: 0, count: 0, modules: modules.length, lambda: rho };
  const gradients = parameters.ranges("gradients");
  const perRange = parameters.ranges("values").flatMap(({ start: first, view }, index): Dispatch[] => {
    const gradient = gradients[index]?.view;
    if (!gradient) throw new Error("the flat buffers have different ranges");
    const count = view.size / 4;
    const shared = { family: proximalFamily, constants: {}, params: { ...common, first, count }, flops: 3 * count };
    const bindings = { state, values: view, anchor: { ...view, buffer: buffers.centre } };
    return [
      dispatchOf({
        ...shared,
        entry: "pull",
        bindings: { ...bindings, gradients: gradient },
        groups: Math.ceil(count / 64),
        label: "proximal pull",
      }),
      dispatchOf({
        ...shared,
        entry: "distance",
        bindings: { ...bindings, windows, stats },
        groups: modules.length,
        label: "proximal distance",
      }),
    ];
  });
  return [
    ...perRange,
    dispatchOf({
      family: proximalFamily,
      entry: "total",
      constants: {},
      bindings: { stats },
      params: common,
      groups: 1,
      label: "proximal total",
      flops: modules.length,
    }),
  ];
}
