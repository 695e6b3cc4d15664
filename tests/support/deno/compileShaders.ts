/**
 * @file Run by Deno: parses and validates shaders with naga, the WGSL compiler of Firefox and Deno.
 *
 *     stdin     JSON: { name, text }[]
 *     stdout    JSON: { adapter, failures: { name, message }[] }, or { problem } where there is no adapter
 */

import { readFileSync } from "node:fs";

export interface ShaderToCompile {
  readonly name: string;
  readonly text: string;
}

export interface CompileReport {
  readonly adapter?: string;
  readonly problem?: string;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
}

async function compileAll(shaders: readonly ShaderToCompile[]): Promise<CompileReport> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) return { problem: "Deno finds no WebGPU adapter", failures: [] };
  const requiredFeatures = (["shader-f16"] as const).filter((feature) => adapter.features.has(feature));
  if (requiredFeatures.length === 0) return { problem: `${adapter.info.description} lacks shader-f16`, failures: [] };
  const device = await adapter.requestDevice({ requiredFeatures });
  const failures: { name: string; message: string }[] = [];
  for (const { name, text } of shaders) {
    device.pushErrorScope("validation");
    device.createShaderModule({ code: text });
    const error = await device.popErrorScope();
    if (error) failures.push({ name, message: error.message });
  }
  return { adapter: adapter.info.description, failures };
}

const report = await compileAll(JSON.parse(readFileSync(0, "utf8")) as ShaderToCompile[]);
process.stdout.write(JSON.stringify(report));
process.exit(0);
