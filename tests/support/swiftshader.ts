/**
 * @file For test files that need SwiftShader, Chromium's software adapter, whatever else the machine has: import this
 * before the device is opened. Its subgroups of four make kernels run there that no other driver uses.
 */

import { existsSync } from "node:fs";

const found = [
  process.env.BASIN_SWIFTSHADER,
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
].find((file) => file !== undefined && existsSync(file));
if (found === undefined && process.platform === "linux")
  throw new Error(
    "SwiftShader was not found: install Chromium, or name its vk_swiftshader_icd.json in BASIN_SWIFTSHADER",
  );
if (found !== undefined) process.env.VK_DRIVER_FILES = found;

/** False only on systems whose WebGPU is not Vulkan's. */
export const onSwiftShader = found !== undefined;
