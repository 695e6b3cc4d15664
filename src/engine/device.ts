/**
 * @file Opening the device: adapter, limits, loss, memory errors.
 *
 * The engine's default path needs no optional feature; what a device offers beyond it is tried first (fastPaths.ts).
 * Limits are raised to what the adapter offers, because the defaults (128 MiB per binding) are smaller than an
 * embedding table.
 */

import { BasinError, MemoryError } from "../base/error.ts";
import { findFastPaths } from "./fastPaths.ts";
import { KernelCache } from "./kernel.ts";
import type { FastPaths } from "./matmul/fastPath.ts";
import type { MatmulKernel } from "./matmul/matmulKernel.ts";
import { MatmulKernels, matmulKernels as ownKernels } from "./matmul/registry.ts";
import { SUBGROUP_MATRIX_FEATURE } from "./matmul/subgroupMatrix.ts";
import { MemoryMeter } from "./memoryMeter.ts";
import { Router } from "./routing/router.ts";
import { bufferBytes } from "./slots.ts";

export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** A software adapter, which computes on the CPU: SwiftShader, llvmpipe or WARP. */
  readonly software: boolean;
}

/** Of GPUAdapterInfo. */
export type AdapterFacts = Pick<
  GPUAdapterInfo,
  "vendor" | "architecture" | "device" | "description" | "isFallbackAdapter"
>;

export interface Gpu {
  readonly device: GPUDevice;
  readonly adapter: AdapterDescription;
  readonly kernels: KernelCache;
  readonly fastPaths: FastPaths;
  readonly matmulKernels: MatmulKernels;
  /** Chooses among them. */
  readonly router: Router;
  /** Bytes of all buffers, now and at their peak. */
  readonly memory: MemoryMeter;
  /** Largest range one binding may cover, bytes. Tensors above it are bound in row ranges. */
  readonly maxBinding: number;
  /** Largest single buffer, bytes. */
  readonly maxBuffer: number;
  /** Largest number of workgroups in one dimension. */
  readonly maxGroups: number;
  readonly lost: Promise<GPUDeviceLostInfo>;
  /** @throws BasinError for the first error that the device reported outside any scope; call after a step */
  check(): void;
  destroy(): void;
}

export interface OpenOptions {
  /** Pretend that bindings are limited to this many bytes (tests of the split path). */
  readonly maxBinding?: number;
  /** Pretend that buffers are limited to this many bytes (tests). */
  readonly maxBuffer?: number;
  /** Leave the device's limits at WebGPU's defaults: bindings of 128 MiB, buffers of 256 MiB (tests). */
  readonly defaultLimits?: boolean;
  /** Pretend that a dimension is limited to this many workgroups (tests). */
  readonly maxGroups?: number;
  /** Optional features to enable when the adapter has them. */
  readonly features?: readonly GPUFeatureName[];
  /** Matmul kernels beside Basin's own (tests). */
  readonly moreKernels?: readonly MatmulKernel[];
}

const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Enabled where the adapter has them. */
const OPTIONAL_FEATURES: readonly GPUFeatureName[] = [
  "timestamp-query",
  "subgroups",
  "shader-f16",
  SUBGROUP_MATRIX_FEATURE,
];

/** What the kernels need: limits that every complete WebGPU device offers. A restricted one offers less. */
const NEEDED_LIMITS = {
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
} as const;

/**
 * Open a device.
 * @throws BasinError when there is no adapter, its limits are too small, or it gives no device
 */
export async function openGpu(api: GPU, options: OpenOptions = {}): Promise<Gpu> {
  const adapter = await usableAdapter(api);
  const device = await requestDevice(adapter, options);
  const description = describeAdapter(adapter.info);
  const check = watchErrors(device, description);
  const kernels = new KernelCache(device);
  const matmulKernels = options.moreKernels
    ? new MatmulKernels([...ownKernels.all, ...options.moreKernels])
    : ownKernels;
  return {
    device,
    adapter: description,
    kernels,
    fastPaths: await findFastPaths({ device, kernels, info: adapter.info }, matmulKernels),
    matmulKernels,
    router: new Router(),
    memory: new MemoryMeter(device),
    maxBinding: Math.min(options.maxBinding ?? Infinity, device.limits.maxStorageBufferBindingSize),
    maxBuffer: Math.min(options.maxBuffer ?? Infinity, device.limits.maxBufferSize),
    maxGroups: Math.min(options.maxGroups ?? Infinity, device.limits.maxComputeWorkgroupsPerDimension),
    lost: device.lost,
    check,
    destroy: () => device.destroy(),
  };
}

/** The adapter, if its limits are large enough. */
async function usableAdapter(api: GPU): Promise<GPUAdapter> {
  const adapter = await api.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new BasinError({
      what: "No WebGPU adapter was found",
      where: "requestAdapter",
      fix:
        "Update the graphics driver, or enable WebGPU in the browser's settings; " +
        "in Node install a Vulkan, Metal or D3D12 driver.",
    });
  }
  for (const [name, needed] of Object.entries(NEEDED_LIMITS) as [keyof typeof NEEDED_LIMITS, number][]) {
    const offered = adapter.limits[name];
    if (offered >= needed) continue;
    throw new BasinError({
      what: `The limits of this device are too small: ${name} is ${offered}, and ${needed} are needed`,
      where: "adapter limits",
      fix: "Update the graphics driver, or use another device or browser: every complete WebGPU offers as much.",
    });
  }
  return adapter;
}

/** A device with the adapter's limits and those of the features that it has. */
function requestDevice(
  adapter: GPUAdapter,
  { features = OPTIONAL_FEATURES, defaultLimits = false }: OpenOptions,
): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {};
  if (!defaultLimits) for (const name of RAISED_LIMITS) requiredLimits[name] = adapter.limits[name];
  const requiredFeatures = features.filter((feature) => adapter.features.has(feature));
  return adapter.requestDevice({ requiredLimits, requiredFeatures });
}

/** Listens for errors outside of any scope. @returns what throws the first one */
function watchErrors(device: GPUDevice, { vendor, architecture }: AdapterDescription): () => void {
  let failure: GPUError | undefined;
  device.addEventListener("uncapturederror", (event) => {
    failure ??= event.error;
  });
  return () => {
    if (!failure) return;
    const message = failure.message;
    failure = undefined;
    throw new BasinError({
      what: `The device refused a command: ${message}`,
      where: `${vendor} ${architecture}`.trim() || "device",
      fix: "This is a bug in Basin or in the driver; please report it with the output of `basin doctor`.",
    });
  };
}

/**
 * What the platform says of an adapter, and whether it is a software adapter. Not every browser marks a software
 * adapter as a fallback, and not every browser names it (Firefox names none).
 */
export function describeAdapter(info: AdapterFacts): AdapterDescription {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    software: info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/.test(text),
  };
}

/** Where the platform hides what an adapter is called. */
const UNNAMED = "unnamed adapter";

/** All that the platform says of an adapter: one line. */
export function adapterText({ vendor, architecture, device, description }: AdapterDescription): string {
  return [vendor, architecture, device, description].filter((part) => part !== "").join(", ") || UNNAMED;
}

/** Name of the device, for reports: one line. */
export function describeDevice({ adapter }: Gpu): string {
  const name =
    adapter.description ||
    adapter.device ||
    [adapter.vendor, adapter.architecture].filter((part) => part !== "").join(" ") ||
    UNNAMED;
  return adapter.software ? `${name} (software)` : name;
}

/**
 * Create a buffer.
 * @param size bytes, rounded up to a multiple of 16
 * @throws MemoryError when the device is out of memory or `size` is above its largest buffer.
 */
export async function createBuffer(
  gpu: Gpu,
  size: number,
  usage: GPUBufferUsageFlags,
  label: string,
): Promise<GPUBuffer> {
  const bytes = bufferBytes(size);
  if (bytes > gpu.maxBuffer) {
    throw new MemoryError({
      what: `A buffer of ${mebibytes(bytes)} is needed but this device allows ${mebibytes(gpu.maxBuffer)}`,
      where: label,
      fix: "Lower the batch size or max_length.",
    });
  }
  gpu.device.pushErrorScope("out-of-memory");
  const buffer = gpu.device.createBuffer({ size: bytes, usage, label });
  const error = await gpu.device.popErrorScope().catch((cause: unknown) => {
    buffer.destroy();
    throw cause;
  });
  if (error) {
    buffer.destroy();
    throw new MemoryError({
      what: `The device has no ${mebibytes(bytes)} left`,
      where: label,
      fix:
        "Close other tabs that use the GPU, lower per_device_train_batch_size, max_length or r, " +
        "or choose a smaller model.",
      cause: error,
    });
  }
  return buffer;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 * 10 ? 2 : 0)} MiB`;
}
