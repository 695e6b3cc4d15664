/**
 * @file A program: a planned graph bound to buffers, ready to be replayed.
 *
 * Building it compiles pipelines in parallel, allocates the plan's slots and creates every bind group. Replaying it
 * sets a pipeline, a bind group and dispatches, nothing else: no allocation on either side.
 */

import { allOrNothing } from "./allOrNothing.ts";
import { type Gpu, createBuffer } from "./device.ts";
import { type Dispatch, Encoder } from "./encoder.ts";
import { BasinError } from "../base/error.ts";
import { type Graph, encodeGraph } from "./graph.ts";
import type { CompiledKernel } from "./kernel.ts";
import { type MemoryPlan, planMemory as planGraph } from "./plan.ts";
import { assignSlots } from "./slots.ts";
import { type Storage, storageIn } from "./storage.ts";
import type { Tensor } from "./tensor.ts";
import { writeStruct } from "./wgsl/struct.ts";

interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  readonly dispatch: Dispatch;
}

/** Buffers for the plan's slots, shared by programs that never run at the same time (one per batch shape). */
export class SlotPool {
  readonly #gpu: Gpu;
  readonly #buffers: GPUBuffer[] = [];
  /** Programs that are built concurrently take their slots one after the other, or they would not share them. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Bytes allocated so far. */
  get bytes(): number {
    return this.#buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /**
   * One buffer per slot. Buffers of earlier programs are reused, so the largest program should come first.
   * @throws MemoryError when the device is out of memory; the pool is then as before
   */
  acquire(slots: readonly number[]): Promise<GPUBuffer[]> {
    const acquired = this.#turn.then(() => this.#acquire(slots));
    this.#turn = acquired.catch(() => undefined);
    return acquired;
  }

  async #acquire(slots: readonly number[]): Promise<GPUBuffer[]> {
    const { bufferOf, pool } = assignSlots(
      this.#buffers.map(({ size }) => size),
      slots,
    );
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const first = this.#buffers.length;
    const added = await allOrNothing(async (own) => {
      const made: GPUBuffer[] = [];
      for (const [index, bytes] of pool.slice(first).entries())
        made.push(own(await createBuffer(this.#gpu, bytes, usage, `activation slot ${first + index}`)));
      return made;
    });
    this.#buffers.push(...added);
    return bufferOf.map((index) => this.#buffers[index] ?? never());
  }

  destroy(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.destroy();
  }
}

function never(): never {
  throw new Error("a slot without a buffer");
}

export interface ProgramOptions {
  readonly graph: Graph;
  /** Where weights, parameters, gradients and inputs live. */
  readonly external: (tensor: Tensor) => Storage | undefined;
  readonly pool: SlotPool;
  readonly plan?: MemoryPlan;
}

export class Program {
  readonly plan: MemoryPlan;
  readonly #steps: readonly Step[];
  readonly #storageOf: (tensor: Tensor) => Storage;
  readonly #owned: readonly GPUBuffer[];

  private constructor(
    plan: MemoryPlan,
    steps: readonly Step[],
    storageOf: (tensor: Tensor) => Storage,
    owned: readonly GPUBuffer[],
  ) {
    this.plan = plan;
    this.#steps = steps;
    this.#storageOf = storageOf;
    this.#owned = owned;
  }

  static async create(gpu: Gpu, options: ProgramOptions): Promise<Program> {
    const plan = options.plan ?? planGraph(options.graph);
    const slots = await options.pool.acquire(plan.slots);
    const values = new Map<Tensor, Storage>();
    for (const [tensor, slot] of plan.slotOf) {
      const buffer = slots[slot];
      if (buffer) values.set(tensor, storageIn(buffer, 0, tensor, gpu.maxBinding));
    }
    const storageOf = (tensor: Tensor): Storage => {
      const storage = values.get(tensor) ?? options.external(tensor);
      if (!storage) throw new Error(`${tensor.kind} ${tensor.name} has no storage`);
      return storage;
    };
    const encoder = new Encoder({ storageOf, device: gpu });
    encodeGraph(options.graph, encoder);
    const { steps, owned } = await bind(gpu, encoder.dispatches);
    return new Program(plan, steps, storageOf, owned);
  }

  /** A program of dispatches that belong to no graph (optimiser, penalty): they bind buffers directly. */
  static async fromDispatches(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<Program> {
    const { steps, owned } = await bind(gpu, dispatches);
    const none = (tensor: Tensor): Storage => {
      throw new Error(`${tensor.name} is not part of this program`);
    };
    return new Program({ slots: [], slotOf: new Map(), activationBytes: 0, unsharedBytes: 0 }, steps, none, owned);
  }

  get dispatches(): readonly Dispatch[] {
    return this.#steps.map((step) => step.dispatch);
  }

  record(pass: GPUComputePassEncoder): void {
    let current: GPUComputePipeline | undefined;
    for (const step of this.#steps) {
      // Neighbours often share a pipeline (gate and up, queries and keys).
      if (step.pipeline !== current) pass.setPipeline(step.pipeline);
      current = step.pipeline;
      pass.setBindGroup(0, step.bindGroup);
      pass.dispatchWorkgroups(step.x, step.y);
    }
  }

  /** Record each dispatch in a pass of its own, to be timed (profile.ts). @param timestamps by index of the dispatch */
  recordTimed(encoder: GPUCommandEncoder, timestamps: (index: number) => GPUComputePassTimestampWrites): void {
    this.#steps.forEach((step, index) => {
      const pass = encoder.beginComputePass({ timestampWrites: timestamps(index) });
      pass.setPipeline(step.pipeline);
      pass.setBindGroup(0, step.bindGroup);
      pass.dispatchWorkgroups(step.x, step.y);
      pass.end();
    });
  }

  storageOf(tensor: Tensor): Storage {
    return this.#storageOf(tensor);
  }

  /** Frees what belongs to this program alone; slots belong to the pool. */
  destroy(): void {
    for (const buffer of this.#owned) buffer.destroy();
  }
}

const UNIFORM_STRIDE = 256;

/** About the bytes that a program needs beside its slots: parameters of its dispatches, usually one per node. */
export function kernelParameterBytes(graph: Graph): number {
  return UNIFORM_STRIDE * (graph.nodes.length + 1);
}

async function bind(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<{ steps: Step[]; owned: GPUBuffer[] }> {
  const kernels = await Promise.all(
    dispatches.map(({ family, entry, constants }) => gpu.kernels.get({ family, entry, constants })),
  );
  const bytes = new ArrayBuffer(Math.max(1, dispatches.length) * UNIFORM_STRIDE);
  return allOrNothing(async (own) => {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const uniforms = own(await createBuffer(gpu, bytes.byteLength, usage, "kernel parameters"));
    const unused = own(await createBuffer(gpu, 256, GPUBufferUsage.STORAGE, "unused binding"));
    const steps = dispatches.map((dispatch, index): Step => {
      const kernel = kernels[index];
      if (!kernel) throw new Error(`no kernel for ${dispatch.label}`);
      const uniform = new DataView(bytes, index * UNIFORM_STRIDE, UNIFORM_STRIDE);
      writeStruct(uniform, kernel.params, dispatch.params, `${dispatch.label}, ${dispatch.family.name}`);
      const entries = bindGroupEntries(dispatch, kernel, { uniforms, index, unused });
      const bindGroup = gpu.device.createBindGroup({ label: dispatch.label, layout: kernel.layout, entries });
      const { x, y } = foldWorkgroups(dispatch.groups, gpu.maxGroups, dispatch.label);
      return { pipeline: kernel.pipeline, bindGroup, x, y, dispatch };
    });
    gpu.device.queue.writeBuffer(uniforms, 0, bytes);
    return { steps, owned: [uniforms, unused] };
  });
}

interface SharedBindings {
  /** Parameters of all dispatches, UNIFORM_STRIDE bytes each. */
  readonly uniforms: GPUBuffer;
  /** Of the dispatch. */
  readonly index: number;
  /** For read-only bindings that a variant does not touch. */
  readonly unused: GPUBuffer;
}

function bindGroupEntries(
  { bindings, label, family }: Dispatch,
  kernel: CompiledKernel,
  { uniforms, index, unused }: SharedBindings,
): GPUBindGroupEntry[] {
  return kernel.bindings.map(({ name, binding, access }) => {
    if (access === "uniform") {
      return { binding, resource: { buffer: uniforms, offset: index * UNIFORM_STRIDE, size: UNIFORM_STRIDE } };
    }
    const view = bindings[name];
    if (!view && access === "read_write") throw new Error(`${label}: ${family.name}.${name} is not bound`);
    return { binding, resource: view ?? { buffer: unused } };
  });
}

/**
 * Split a number of workgroups over two dimensions; kernels skip the few surplus ones.
 * @param limit workgroups that a dimension may have
 * @throws BasinError when two dimensions are not enough
 */
export function foldWorkgroups(groups: number, limit: number, label: string): { x: number; y: number } {
  if (groups <= limit) return { x: groups, y: 1 };
  const y = Math.ceil(groups / limit);
  if (y > limit) {
    throw new BasinError({
      what: `${groups} workgroups are more than this device can start`,
      where: label,
      fix: "Lower per_device_train_batch_size or max_length.",
    });
  }
  return { x: Math.ceil(groups / y), y };
}
