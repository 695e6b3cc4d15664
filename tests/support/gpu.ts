/** @file The device that GPU tests run on: a real adapter, else software Vulkan. One per test file. */

import { type TestContext, afterAll, describe } from "vitest";
import { nodeGpu } from "../../src/cli/nodeGpu.ts";
import { type Gpu, type OpenOptions, openGpu } from "../../src/engine/device.ts";

const open = new Map<string, Promise<Gpu>>();

/** WebGPU in Node. @throws Error where there is no adapter */
export async function testApi(): Promise<GPU> {
  const node = await nodeGpu();
  if (!node)
    throw new Error("no WebGPU adapter in Node: install Chromium (its SwiftShader) or Mesa 25's mesa-vulkan-drivers");
  return node.api;
}

/** A device with these options; the same options give the same device. */
export function testGpu(options: OpenOptions = {}): Promise<Gpu> {
  const key = JSON.stringify(options);
  let gpu = open.get(key);
  if (!gpu) {
    gpu = testApi().then((api) => openGpu(api, options));
    open.set(key, gpu);
  }
  return gpu;
}

/** The same device, but kernels are chosen as for a real (or a software) adapter. */
export function pretend(gpu: Gpu, software: boolean): Gpu {
  return { ...gpu, adapter: { ...gpu.adapter, software } };
}

/** An adapter as a suite sees it, whatever the machine has. */
export interface TestAdapter {
  /** Kernels are chosen as for a software adapter. */
  readonly software: boolean;
  readonly open: (options?: OpenOptions) => Promise<Gpu>;
}

/** One suite over both kinds of adapter: the kernels for GPUs also run, slowly, on a software adapter. */
export function describeOnAdapters(title: string, suite: (adapter: TestAdapter) => void): void {
  for (const software of [true, false])
    describe(`${title}, kernels for ${software ? "software adapters" : "GPUs"}`, () =>
      suite({ software, open: async (options) => pretend(await testGpu(options), software) }));
}

/** Skips the test, saying why, where the device has not passed a fast path. */
export function skipWithoutFastPath(context: TestContext, { fastPaths }: Gpu, name: string): void {
  if (!fastPaths.passed.has(name)) context.skip(`this device has no ${name.replaceAll("_", " ")}`);
}

/** Skips the test, saying why, where the device lacks a feature. */
export function skipWithoutFeature(context: TestContext, { device }: Gpu, name: GPUFeatureName): void {
  if (!device.features.has(name)) context.skip(`this device has no ${name}`);
}

afterAll(async () => {
  for (const gpu of open.values()) (await gpu).destroy();
  open.clear();
});
