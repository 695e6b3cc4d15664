/** @file Running `basin` as a user does: plain node, from another folder. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/basin.mjs", import.meta.url));
const folders: string[] = [];

/** What the user measured on this machine is none of the tests' business: a folder that is not there. */
const NO_CACHE = join(tmpdir(), "basin-tests-without-cache");

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty folder that is removed afterwards. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "basin-cli-"));
  folders.push(path);
  return path;
}

export function basin(
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Another runtime than this process's: its program and what comes before Basin's. */
    readonly runtime?: readonly [string, ...string[]];
    /** Kills it (SIGKILL) after so many milliseconds, if it is still there. */
    readonly killAfterMs?: number;
    readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const [program, ...before] = options.runtime ?? [process.execPath];
    const child = spawn(program, [...before, BIN, ...args], {
      cwd: options.cwd ?? tmpdir(),
      env: { ...process.env, BASIN_CACHE: NO_CACHE, ...options.env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    const { killAfterMs } = options;
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});
