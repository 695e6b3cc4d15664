/**
 * @file A Python with torch, transformers and peft, if there is one: `BASIN_PYTHON`, else `python3`. The project's
 * tests do not need it (their numbers are committed); where it is at hand, the other side of the file format is tested
 * as well.
 */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export const repository: string = fileURLToPath(new URL("../..", import.meta.url));

export type PythonSearch =
  | { readonly found: true; readonly python: string }
  | { readonly found: false; readonly why: string };

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run a program to its end, whatever its exit code. */
export function finish(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { cwd: repository, env: { ...process.env, ...environment }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== "number") reject(error);
        else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      },
    );
  });
}

/** Looks for it once, by importing the packages. */
export async function findPython(): Promise<PythonSearch> {
  const python = process.env["BASIN_PYTHON"] || "python3";
  try {
    const { code, stderr } = await finish(python, ["-c", "import torch, transformers, peft, safetensors"]);
    if (code === 0) return { found: true, python };
    return { found: false, why: `${python}: ${stderr.trim().split("\n").at(-1) ?? "failed"}` };
  } catch (error) {
    return { found: false, why: error instanceof Error ? error.message : String(error) };
  }
}
