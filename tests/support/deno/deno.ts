/** @file Deno, whose WebGPU is wgpu with the WGSL compiler naga, as in Firefox. */

import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { nodeGpu } from "../../../src/cli/nodeGpu.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../../node_modules/deno/bin.cjs", import.meta.url));

export interface DenoRun {
  /** Undefined where it was ended by a signal. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What keeps Deno from running here; undefined: nothing. Its package has programs for some platforms only. */
export function whyNoDeno(): string | undefined {
  try {
    execFileSync(process.execPath, [PROGRAM, "--version"], { stdio: "pipe" });
    return undefined;
  } catch {
    return "Deno is not installed (npm package deno)";
  }
}

/** Runs `deno run` in the repository with the driver that Node uses. @param input of stdin */
export async function runDeno(args: readonly string[], input = ""): Promise<DenoRun> {
  const driver = (await nodeGpu())?.driver;
  const env = { ...process.env, ...(driver && driver !== "system" ? { VK_DRIVER_FILES: driver } : {}) };
  const all = [PROGRAM, "run", "--no-config", "--no-lock", "--quiet", "--allow-all", ...args];
  const child = spawn(process.execPath, all, { cwd: ROOT, env, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text: string) => {
      output[name] += text;
    });
  }
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ ...output, code: code ?? undefined }));
  });
}
