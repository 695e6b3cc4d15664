/**
 * @file What the device panel asks of the GPU worker: limits, features, memory now, and whether the device computes
 * right.
 */
import { canProfile } from "../../engine/profile.ts";
import { adapterText, describeDevice, type Gpu } from "../../engine/device.ts";
import type { SourcedRow } from "../../experiment/measure/kernelSources.ts";
import { DECISIVE_LIMITS } from "../../experiment/measure/decisiveLimits.ts";
import { deviceChecks, type CheckResult } from "../../experiment/measure/deviceChecks.ts";

/** "look": nothing is computed. "check": does it compute right? "profile": where does the time of a step go? */
export type DeviceQuestion = "look" | "check" | "profile";

/** Operators of an AsFT step of the bundled pair's shape, largest share first. */
export interface DeviceProfile {
  readonly size: string;
  readonly tokens: number;
  /** Milliseconds of a step as in training, and of all its dispatches by the device's own timestamps. */
  readonly stepMs: number;
  readonly sumMs: number;
  readonly dispatches: number;
  readonly rows: readonly SourcedRow[];
  /** The kernels' texts, by the names that rows give. */
  readonly sources: Readonly<Record<string, string>>;
}

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
  /** Whether the device has timestamps. */
  readonly canProfile: boolean;
  /** null unless it was asked for. */
  readonly profile: DeviceProfile | null;
}

/** @throws BasinError when no device can be opened */
export async function deviceReport(gpu: Gpu, question: DeviceQuestion): Promise<DeviceReport> {
  // The device was opened without most features; only an adapter tells what there would be.
  const offered = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  return {
    name: describeDevice(gpu),
    adapter: adapterText(gpu.adapter),
    software: gpu.adapter.software,
    limits: Object.fromEntries(DECISIVE_LIMITS.map((name) => [name, gpu.device.limits[name]])),
    offered: [...(offered?.features ?? [])].sort(),
    enabled: [...gpu.device.features].sort(),
    memory: { live: gpu.memory.live, peak: gpu.memory.peak },
    checks: question === "check" ? await deviceChecks(gpu) : null,
    canProfile: canProfile(gpu),
    profile: question === "profile" ? await profile(gpu) : null,
  };
}

/** What `basin bench --profile` does, for the smallest size. */
async function profile(gpu: Gpu): Promise<DeviceProfile> {
  // Seldom wanted, and it brings models to measure with.
  const { profileStep } = await import("../../experiment/measure/profileStep.ts");
  const { sourced } = await import("../../experiment/measure/kernelSources.ts");
  const { GPU_SIZES, SOFTWARE_SIZES } = await import("../../experiment/measure/benchModels.ts");
  const size = (gpu.adapter.software ? SOFTWARE_SIZES : GPU_SIZES)[0];
  if (size === undefined) throw new Error("there is no size to profile");
  const { tokens, step, profile: measured } = await profileStep(gpu, size, { method: "asft" });
  return {
    size: size.name,
    tokens,
    stepMs: step.median,
    sumMs: measured.sum,
    dispatches: measured.dispatches,
    ...sourced(measured.rows),
  };
}
