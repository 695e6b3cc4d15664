/**
 * @file WebGPU outside of a browser: the runtime's own where it has one (Deno), else Dawn (npm `webgpu`), on a real
 * adapter where there is one, else on a software Vulkan driver.
 *
 * Dawn looks for a driver when an instance is created. Without a real one, lavapipe (Mesa 25 or newer) is tried first,
 * being several times faster than Chromium's SwiftShader; Mesa 22's lavapipe is refused by Dawn itself.
 */

import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface NodeGpu {
  readonly api: GPU;
  /** The driver file that was selected, "system" for what the machine offers by itself, or the runtime's name. */
  readonly driver: string;
}

const ICD_FOLDERS = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
const SWIFTSHADER = ["/usr/lib/chromium/vk_swiftshader_icd.json", "/opt/google/chrome/vk_swiftshader_icd.json"];

let opened: Promise<NodeGpu | undefined> | undefined;

/**
 * The WebGPU entry point of this process, or undefined when no driver gives an adapter. Also installs WebGPU's global
 * constants where the runtime has none.
 */
export function nodeGpu(): Promise<NodeGpu | undefined> {
  opened ??= open();
  return opened;
}

/** The runtime's name and version, such as "Deno/2.9.6"; undefined where it has no WebGPU of its own. */
export function runtimeWithGpu(): string | undefined {
  return runtimeGpu() && (globalThis.navigator.userAgent || "the runtime's own");
}

function runtimeGpu(): GPU | undefined {
  // Node has none, and before version 21 no navigator either, whatever the types say.
  return (globalThis.navigator as { readonly gpu?: GPU } | undefined)?.gpu;
}

async function open(): Promise<NodeGpu | undefined> {
  const own = runtimeGpu();
  if (own) return (await usable(own)) ? { api: own, driver: runtimeWithGpu() ?? "" } : undefined;
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  const system = create([]);
  if (await usable(system)) return { api: system, driver: process.env.VK_DRIVER_FILES ?? "system" };
  if (process.env.VK_DRIVER_FILES) return undefined;
  for (const driver of softwareDrivers()) {
    process.env.VK_DRIVER_FILES = driver;
    const api = create([]);
    if (await usable(api)) return { api, driver };
    delete process.env.VK_DRIVER_FILES;
  }
  return undefined;
}

async function usable(api: GPU): Promise<boolean> {
  return Boolean(await api.requestAdapter());
}

function softwareDrivers(): string[] {
  const lavapipe = ICD_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.startsWith("lvp_icd"))
      .map((file) => join(folder, file)),
  );
  const bundled = process.env.BASIN_SWIFTSHADER ? [process.env.BASIN_SWIFTSHADER] : [];
  return [...lavapipe, ...bundled, ...SWIFTSHADER].filter((file) => existsSync(file));
}
