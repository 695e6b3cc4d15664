/**
 * @file The benchmark in Node: Dawn on the machine's own driver (Vulkan on Linux), the sections and contenders of the
 * page.
 */

import { contenders, missing } from "virtual:contenders";
import { nodeGpu } from "../../src/cli/nodeGpu.ts";
import { modelSource } from "../../src/cli/paths.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openContenders } from "../contenders/open.ts";
import { type Ask, pytorchContenders } from "../pytorch/contender.ts";
import type { BenchOptions, BenchReport } from "../report/report.ts";
import { runSections } from "../sections/run.ts";

export interface NativeHooks {
  readonly say: (line: string) => void;
  readonly save: (report: BenchReport) => void;
  /** Questions to PyTorch's process, where there is one. */
  readonly ask: Ask | undefined;
}

/** @throws Error when no driver gives an adapter */
export async function runNative(options: BenchOptions, { say, save, ask }: NativeHooks): Promise<BenchReport> {
  const node = await nodeGpu();
  if (!node)
    throw new Error(
      "No WebGPU adapter was found: install the graphics driver with its Vulkan part, or name a " +
        "driver's JSON file in VK_DRIVER_FILES (`npx basin doctor` says more).",
    );
  // Where the other libraries look for it.
  Object.defineProperty(globalThis, "navigator", {
    value: { userAgent: "Node", language: "en", gpu: node.api },
    configurable: true,
    writable: true,
  });
  const registry = { contenders: { ...contenders, ...(ask ? pytorchContenders(ask) : {}) }, missing };
  const opened = await openContenders(node.api, registry, options.contenders, say);
  try {
    return await runSections(
      {
        api: node.api,
        platform: `Node ${process.versions.node}, Dawn (driver: ${node.driver})`,
        openModel: (name, signal) => openCheckpoint(modelSource(name), signal ? { signal } : {}),
        say,
        save,
      },
      opened.contenders,
      opened.refused,
      options,
    );
  } finally {
    for (const contender of opened.contenders) contender.destroy();
  }
}
