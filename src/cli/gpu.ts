/** @file Opening the device for a command. */

import { type Gpu, openGpu } from "../engine/device.ts";
import { BasinError } from "../base/error.ts";
import { loadRoutes } from "../experiment/measure/kernelRoutes.ts";
import { log } from "./report.ts";
import { withoutLimitWarnings } from "./nativeStderr.ts";
import { nodeGpu, runtimeWithGpu } from "./nodeGpu.ts";
import { packageVersion } from "./paths.ts";
import { routeFiles } from "./routeFiles.ts";

/**
 * What measured kernels depend on beside the device: Basin brings its own WebGPU (Dawn) with each version; a runtime
 * may have another.
 */
export const PLATFORM = [process.platform, process.arch, runtimeWithGpu(), "basin", packageVersion]
  .filter((part) => part !== undefined)
  .join(" ");

export interface CliGpu {
  readonly gpu: Gpu;
  readonly driver: string;
}

/** The device, with what was measured on it before. @throws BasinError when no driver gives an adapter */
export async function cliGpu(): Promise<CliGpu> {
  const node = await withoutLimitWarnings(nodeGpu);
  if (!node) {
    throw new BasinError({
      what: "No WebGPU adapter was found",
      where: `${process.platform} ${process.arch}`,
      fix:
        "Install the GPU's driver (Vulkan on Linux). Without a GPU, install Chromium (it brings SwiftShader) " +
        "or Mesa 25's mesa-vulkan-drivers; VK_DRIVER_FILES can name a driver's JSON file.",
    });
  }
  const gpu = await openGpu(node.api);
  const { description, device, vendor, software } = gpu.adapter;
  await loadRoutes(gpu, routeFiles(), PLATFORM);
  if (process.env.BASIN_QUIET === undefined)
    log(`device: ${description || device || vendor}${software ? " (software adapter: exact, but slow)" : ""}`);
  return { gpu, driver: node.driver };
}
