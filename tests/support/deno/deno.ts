/** @file Deno, whose WebGPU is wgpu with the WGSL compiler naga, as in Firefox. */

import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import { nodeGpu } from "../../../src/cli/nodeGpu.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../../node_modules/deno/bin.cjs", import.meta.url));
/** Of `deno run`: it writes no lock file. */
export const DENO_OPTIONS = ["run", "--no-lock", "--quiet", "--allow-all"];

export interface DenoRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program; skips the test where the package has none for this platform. */
export function denoProgram(context: Pick<TestContext, "skip">): string {
  try {
    const print = ["eval", "console.log(Deno.execPath())"];
    return execFileSync(process.execPath, [PACKAGE, ...print], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return context.skip("Deno is not installed (npm package deno)");
  }
}

/** The driver that Node uses, for Deno: it looks for no software driver by itself. */
export async function denoEnvironment(): Promise<Record<string, string>> {
  const driver = (await nodeGpu())?.driver;
  return driver && driver !== "system" ? { VK_DRIVER_FILES: driver } : {};
}

/** Runs a script in the repository. @param input of stdin */
export async function runDeno(program: string, args: readonly string[], input = ""): Promise<DenoRun> {
  const env = { ...process.env, ...(await denoEnvironment()) };
  const child = spawn(program, [...DENO_OPTIONS, ...args], { cwd: ROOT, env, stdio: "pipe" });
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
    child.once("close", (code) => resolve({ ...output, code }));
  });
}
