/** @file The device that GPU tests run on: a real adapter, else software Vulkan. One per test file. */

import { afterAll } from "vitest";
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

afterAll(async () => {
  for (const gpu of open.values()) (await gpu).destroy();
  open.clear();
});
