/** @file `basin doctor`: the adapter, its features and limits, and whether it computes correctly. */

import { DECISIVE_LIMITS } from "../experiment/measure/decisiveLimits.ts";
import { describeFastPaths } from "../engine/fastPaths.ts";
import { adapterText, mebibytes } from "../engine/device.ts";
import { type CheckResult, deviceChecks } from "../experiment/measure/deviceChecks.ts";
import { routeRows } from "../experiment/measure/routeRows.ts";
import { cliGpu } from "./gpu.ts";
import { nodeGpu } from "./nodeGpu.ts";
import { packageVersion } from "./paths.ts";
import { printJson } from "./report.ts";
import { routeLines } from "./tune.ts";

/**
 * Features that can make kernels faster. The engine's default path needs none of them; it uses those that pass the
 * checks in fastPaths.ts.
 */
const OPTIONAL = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix", "timestamp-query"] as const;

export async function doctor({ json = false }: { readonly json?: boolean }): Promise<void> {
  const { gpu, driver } = await cliGpu();
  const { adapter, device } = gpu;
  const limits = Object.fromEntries(DECISIVE_LIMITS.map((name) => [name, device.limits[name]]));
  const offered = await (await nodeGpu())?.api.requestAdapter();
  const features = [...(offered?.features ?? [])].sort();
  const checks = await deviceChecks(gpu);
  gpu.destroy();
  if (json) {
    printJson({
      basin: packageVersion,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      driver,
      adapter,
      features,
      limits,
      kernels: routeRows(gpu.router.table),
      fast_paths: describeFastPaths(gpu),
      checks,
    });
  } else {
    const rows: [string, string][] = [
      ["basin", packageVersion],
      ["node", `${process.versions.node} (${process.platform} ${process.arch})`],
      ["driver", driver],
      ["adapter", adapterText(adapter)],
      ["kind", adapter.software ? "software adapter (CPU): exact, but slow" : "GPU"],
      ...DECISIVE_LIMITS.map((name): [string, string] => [
        name,
        name.endsWith("Size") ? mebibytes(device.limits[name]) : String(device.limits[name]),
      ]),
      ...OPTIONAL.map((name): [string, string] => [name, features.includes(name) ? "offered" : "not offered"]),
      [
        "other features",
        features.filter((name) => !OPTIONAL.some((optional) => optional === name)).join(", ") || "none",
      ],
    ];
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) process.stdout.write(`${name.padEnd(width)}  ${value}\n`);
    process.stdout.write("\nchecks\n");
    for (const { name, ok, detail } of checks)
      process.stdout.write(`  ${ok ? "passed" : "FAILED"}  ${name}: ${detail}\n`);
    process.stdout.write(fastPaths(checks, describeFastPaths(gpu)));
    process.stdout.write(`\nkernels measured on this device\n${kernels(routeLines(routeRows(gpu.router.table)))}\n`);
  }
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
}

function kernels(lines: readonly string[]): string {
  return lines.length === 0
    ? "  none: the built-in choices apply; `basin tune` measures kernels"
    : lines.map((line) => `  ${line}`).join("\n");
}

/** The optional features that are used, not those that are available. */
function fastPaths(checks: readonly CheckResult[], names: readonly string[]): string {
  const used = names.length > 0 ? `${names.join("; ")} (each checked on this device)` : "none";
  const state = checks.every(({ ok }) => ok)
    ? "the default path works"
    : "the default path gives wrong results: update the driver";
  return `\noptional fast paths in use: ${used}; ${state}\n`;
}
