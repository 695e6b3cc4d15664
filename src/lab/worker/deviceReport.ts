/** @file What the device panel asks of the GPU worker: limits, features, memory now, and whether the device computes right. */
import { describeDevice, type Gpu } from "../../engine/device.ts";
import { deviceChecks, type CheckResult } from "../../experiment/deviceChecks.ts";

/** Limits that decide what can be trained, and how fast. */
const LIMITS = ["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage", "maxComputeWorkgroupsPerDimension", "maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup"] as const;

export interface DeviceReport {
  readonly name: string;
  /** Vendor, architecture, device and description, as far as the browser tells them. */
  readonly adapter: string;
  readonly software: boolean;
  readonly limits: Readonly<Record<string, number>>;
  /** Optional features that the adapter offers. */
  readonly offered: readonly string[];
  /** Those that are in use. */
  readonly enabled: readonly string[];
  /** Bytes of all buffers: now, and at the peak of the last run. */
  readonly memory: { readonly live: number; readonly peak: number };
  /** null unless they were asked for. */
  readonly checks: readonly CheckResult[] | null;
}

/** @throws BasinError when no device can be opened */
export async function deviceReport(gpu: Gpu, check: boolean): Promise<DeviceReport> {
  const { vendor, architecture, device, description, software } = gpu.adapter;
  // The device was opened without most features; only an adapter tells what there would be.
  const offered = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  return {
    name: describeDevice(gpu),
    adapter: [vendor, architecture, device, description].filter((part) => part !== "").join(", "),
    software,
    limits: Object.fromEntries(LIMITS.map((name) => [name, gpu.device.limits[name]])),
    offered: [...(offered?.features ?? [])].sort(),
    enabled: [...gpu.device.features].sort(),
    memory: { live: gpu.memory.live, peak: gpu.memory.peak },
    checks: check ? await deviceChecks(gpu) : null,
  };
}
