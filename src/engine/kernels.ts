/** @file The registry of kernel families: one line per WGSL file. */

import copySource from "../../shaders/copy.wgsl?raw";
import type { KernelFamily } from "./kernel.ts";

export const copyFamily: KernelFamily = { name: "copy", source: copySource };
