/**
 * @file How much memory a run may take.
 *
 * WebGPU tells the largest buffer but never the size of the device's memory, so that has to come from elsewhere:
 *
 *     spec      train.memory_budget_gb                                      a limit that the user knows
 *     system    software adapters: 3/4 of the machine's memory              known; beyond it the process is killed
 *     default   anything else: 6 GiB                                        a guess, see DEFAULT_BUDGET
 *
 * Only a guess may be exceeded: the run then starts with a warning, because the device may well have more.
 */

import type { BufferLimits } from "../../engine/bindable.ts";

const GIB = 2 ** 30;

/**
 * What a run may take on a GPU whose memory nobody knows. A card of 8 GB leaves about this much beside the desktop, and
 * so does a laptop of 16 GB whose processor and GPU share it. Set `train.memory_budget_gb` where there is more or less.
 */
export const DEFAULT_BUDGET = 6 * GIB;

/**
 * Of the machine's memory, what a software adapter's buffers may take: the rest is for the program, its data and the
 * system.
 */
const SYSTEM_SHARE = 0.75;

export type BudgetSource = "spec" | "system" | "default";

export interface MemoryBudget {
  readonly bytes: number;
  readonly source: BudgetSource;
}

/** What a plan has to know about a device. */
export interface DeviceLimits {
  /** Largest binding, bytes. */
  readonly maxBinding: number;
  /** Largest buffer, bytes. */
  readonly maxBuffer: number;
  /** The device is a processor. */
  readonly software: boolean;
  /** Memory of the machine in bytes, where that is known. */
  readonly systemMemory: number | null;
}

/** For plans without a device: WebGPU's default binding, any buffer. */
export const UNKNOWN_DEVICE: DeviceLimits = {
  maxBinding: 128 * 2 ** 20,
  maxBuffer: Number.POSITIVE_INFINITY,
  software: false,
  systemMemory: null,
};

/** What tensors are held against. Without a device nothing is too large: most GPUs bind 2 GiB and more. */
export function bufferLimits({ maxBinding, maxBuffer }: DeviceLimits): BufferLimits {
  return { maxBinding: Number.isFinite(maxBuffer) ? maxBinding : maxBuffer, maxBuffer };
}

export function limitsOf(
  gpu: { readonly maxBinding: number; readonly maxBuffer: number; readonly adapter: { readonly software: boolean } },
  systemMemory: number | null,
): DeviceLimits {
  return { maxBinding: gpu.maxBinding, maxBuffer: gpu.maxBuffer, software: gpu.adapter.software, systemMemory };
}

export function memoryBudget(
  { train }: { readonly train: { readonly memory_budget_gb: number | null } },
  { software, systemMemory }: DeviceLimits,
): MemoryBudget {
  if (train.memory_budget_gb !== null) return { bytes: train.memory_budget_gb * GIB, source: "spec" };
  if (software && systemMemory !== null) return { bytes: SYSTEM_SHARE * systemMemory, source: "system" };
  return { bytes: DEFAULT_BUDGET, source: "default" };
}

/** Where the figure comes from, in words. */
export function budgetText({ bytes, source }: MemoryBudget): string {
  const size = gibibytes(bytes);
  switch (source) {
    case "spec":
      return `${size} (train.memory_budget_gb)`;
    case "system":
      return `${size} (three quarters of this machine’s memory)`;
    case "default":
      return `${size} (assumed: WebGPU does not report it; set train.memory_budget_gb)`;
  }
}

/** "1.9 GiB", "640 MiB". */
export function gibibytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "any size";
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(bytes < 10 * GIB ? 2 : 1)} GiB`;
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
}
