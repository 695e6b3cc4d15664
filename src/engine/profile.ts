/**
 * @file Where the time of a program goes: each dispatch between two timestamps of the device.
 *
 *     pass 0 [t0 ▸ dispatch 0 ▸ t1]  pass 1 [t2 ▸ dispatch 1 ▸ t3]  …    resolve ▸ read back ▸ ms of each
 *
 * A dispatch then has a pass of its own, which costs a little; the normal path records none of this. Browsers round
 * timestamps (Chromium to 0.1 ms by default), so single short dispatches are uncertain and sums over many are not.
 */

import { allOrNothing } from "./allOrNothing.ts";
import { mapForReading } from "./completion.ts";
import { type Gpu, createBuffer } from "./device.ts";
import type { Dispatch } from "./encoder.ts";
import { BasinError } from "../base/error.ts";
import { type Constants, kernelText } from "./kernel.ts";
import type { Shape } from "./tensor.ts";

/** Dispatches of one kind: the same operator with the same kernel on the same shape. */
export interface ProfileRow {
  /** Name of the operator, or the label of a dispatch outside of a graph. */
  readonly operator: string;
  /** Of the first output. Products: [m, n, k]. */
  readonly shape: Shape;
  /** File under shaders/, without extension. */
  readonly kernel: string;
  readonly entry: string;
  readonly constants: Constants;
  /** How many dispatches of the step. */
  readonly count: number;
  /** Of all of them together. */
  readonly ms: number;
  /** Of the sum of all rows, 0 to 1. */
  readonly share: number;
  /** Of one step; 0: not counted. */
  readonly flops: number;
  /** Undefined where operations are not counted or the time is too short for the clock. */
  readonly gflops: number | undefined;
  /** The kernel's text as it was compiled. */
  readonly wgsl: string;
}

export interface Profile {
  /** Largest share first. */
  readonly rows: readonly ProfileRow[];
  /** Sum of all dispatches, ms. */
  readonly sum: number;
  readonly dispatches: number;
}

/** Whether the device has timestamps. */
export function canProfile(gpu: Gpu): boolean {
  return gpu.device.features.has("timestamp-query");
}

/** Queries that one query set may have. */
const QUERIES = 4096;

/** Timestamps around a number of dispatches. */
export class DispatchTimer {
  readonly #gpu: Gpu;
  readonly #count: number;
  readonly #sets: readonly GPUQuerySet[];
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  private constructor(gpu: Gpu, count: number, sets: readonly GPUQuerySet[], resolved: GPUBuffer, staging: GPUBuffer) {
    this.#gpu = gpu;
    this.#count = count;
    this.#sets = sets;
    this.#resolved = resolved;
    this.#staging = staging;
  }

  /** @throws BasinError when the device has no timestamps or no memory */
  static async create(gpu: Gpu, count: number): Promise<DispatchTimer> {
    if (!canProfile(gpu)) {
      throw new BasinError({
        what: "This device has no timestamp queries",
        where: "profile",
        fix:
          "Profile in a browser or with a driver that has the feature timestamp-query; " +
          "`basin doctor` lists features.",
      });
    }
    return allOrNothing(async (own) => {
      const sets = Array.from({ length: Math.ceil((2 * count) / QUERIES) }, (_, index) =>
        own(gpu.device.createQuerySet({ type: "timestamp", count: Math.min(QUERIES, 2 * count - index * QUERIES) })),
      );
      const make = async (usage: GPUBufferUsageFlags): Promise<GPUBuffer> =>
        own(await createBuffer(gpu, 16 * count, usage, "timestamps"));
      const resolved = await make(GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
      const staging = await make(GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
      return new DispatchTimer(gpu, count, sets, resolved, staging);
    });
  }

  /** For the pass of dispatch `index`. */
  writes(index: number): GPUComputePassTimestampWrites {
    const querySet = this.#sets[Math.floor((2 * index) / QUERIES)];
    if (!querySet) throw new Error(`no timestamp for dispatch ${index}`);
    const at = (2 * index) % QUERIES;
    return { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
  }

  /** Append to the commands whose dispatches were timed, then submit them, then `read`. */
  resolve(encoder: GPUCommandEncoder): void {
    this.#sets.forEach((set, index) => encoder.resolveQuerySet(set, 0, set.count, this.#resolved, index * QUERIES * 8));
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16 * this.#count);
  }

  /** ms of each dispatch. */
  async read(): Promise<number[]> {
    await mapForReading(this.#gpu.device, this.#staging);
    const times = new BigUint64Array(this.#staging.getMappedRange().slice(0, 16 * this.#count));
    this.#staging.unmap();
    this.#gpu.check();
    // A clock that was set back between two readings gives a negative time: counted as 0.
    return Array.from({ length: this.#count }, (_, i) =>
      Math.max(0, Number((times[2 * i + 1] ?? 0n) - (times[2 * i] ?? 0n)) / 1e6),
    );
  }

  destroy(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}

/** Below this a time is within the rounding of clocks. */
const UNCERTAIN_MS = 0.01;

/**
 * Dispatches of one kind together.
 * @param times ms of each dispatch, in the same order
 */
export function summarise(dispatches: readonly Dispatch[], times: readonly number[]): Profile {
  const groups = new Map<string, { readonly dispatch: Dispatch; count: number; ms: number; flops: number }>();
  dispatches.forEach((dispatch, index) => {
    const key = JSON.stringify([
      operatorOf(dispatch),
      shapeOf(dispatch),
      dispatch.family.name,
      dispatch.entry,
      dispatch.constants,
    ]);
    const group = groups.get(key) ?? { dispatch, count: 0, ms: 0, flops: 0 };
    group.count += 1;
    group.ms += times[index] ?? 0;
    group.flops += dispatch.flops;
    groups.set(key, group);
  });
  const sum = times.reduce((total, ms) => total + ms, 0);
  const rows = [...groups.values()].map(({ dispatch, count, ms, flops }): ProfileRow => {
    const { family, entry, constants } = dispatch;
    return {
      operator: operatorOf(dispatch),
      shape: shapeOf(dispatch),
      kernel: family.name,
      entry,
      constants,
      count,
      ms,
      flops,
      share: sum > 0 ? ms / sum : 0,
      gflops: flops > 0 && ms > UNCERTAIN_MS ? flops / ms / 1e6 : undefined,
      wgsl: kernelText({ family, constants }),
    };
  });
  return { rows: rows.sort((a, b) => b.ms - a.ms), sum, dispatches: dispatches.length };
}

function operatorOf({ label, shape }: Dispatch): string {
  return shape ? (label.split(" ")[0] ?? label) : label;
}

function shapeOf({ params, shape }: Dispatch): Shape {
  const { m, n, k } = params;
  return m !== undefined && n !== undefined && k !== undefined ? [m, n, k] : (shape ?? []);
}
