/**
 * @file A run's folder: the files that say how far the run got, and the checkpoint that it resumes from.
 *
 *     checkpoint/run.safetensors     the last whole checkpoint; there until the run is finished
 *     checkpoint/run.log             what the run has reported, appended to (experiment/snapshot/snapshotLog.ts)
 *
 * The log is written first: what a crash leaves behind its end is not read. A checkpoint is written beside the last
 * one, forced to the disk, and only then takes its name, which the system does in one go: whenever the process dies or
 * the power fails, there is a whole one.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { BasinError } from "../base/error.ts";
import { refuseOtherSpec } from "../experiment/snapshot/fit.ts";
import type { SnapshotToSave } from "../experiment/run/runOptions.ts";
import { decodeSnapshot, type RunSnapshot } from "../experiment/snapshot/runSnapshot.ts";
import type { LogPart } from "../experiment/snapshot/snapshotLog.ts";
import { resolveSpec, type Spec } from "../experiment/spec/spec.ts";

const FILE = "run.safetensors";
const LOG = "run.log";
const QUIET = { throwIfNoEntry: false } as const;

function folderOf(folder: string): string {
  return join(folder, "checkpoint");
}

export function hasCheckpoint(folder: string): boolean {
  return existsSync(join(folderOf(folder), FILE));
}

/** Whether a folder has anything of a run to lose. What failed before its first step left nothing. */
export function holdsRun(folder: string): boolean {
  const metrics = join(folder, "metrics.jsonl");
  return hasCheckpoint(folder) || existsSync(join(folder, "adapter")) || (statSync(metrics, QUIET)?.size ?? 0) > 0;
}

/** @throws BasinError when it cannot be written; the last one is then still there */
export function writeCheckpoint(folder: string, { file, log }: Pick<SnapshotToSave, "file" | "log">): void {
  const path = join(folderOf(folder), FILE);
  mkdirSync(folderOf(folder), { recursive: true });
  if (log.bytes.byteLength > 0) writeLog(join(folderOf(folder), LOG), log);
  writeThrough(`${path}.part`, "w", (handle) => writeAll(handle, file, 0));
  renameSync(`${path}.part`, path);
}

function writeLog(path: string, { at, bytes }: LogPart): void {
  writeThrough(path, existsSync(path) ? "r+" : "w", (handle) => {
    writeAll(handle, bytes, at);
    ftruncateSync(handle, at + bytes.byteLength);
  });
}

/** Returns once the disk has it. */
function writeThrough(path: string, flags: string, work: (handle: number) => void): void {
  const handle = openSync(path, flags);
  try {
    work(handle);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function writeAll(handle: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength; )
    done += writeSync(handle, bytes, done, bytes.byteLength - done, position + done);
}

export function removeCheckpoint(folder: string): void {
  rmSync(folderOf(folder), { recursive: true, force: true });
}

/**
 * The snapshot that a run of this spec resumes from in this folder; null when it has to start from the beginning.
 * @throws BasinError when the folder holds a finished run, one of another spec, or a damaged checkpoint
 */
export async function findUnfinished(folder: string, spec: Spec): Promise<RunSnapshot | null> {
  const report = json(join(folder, "report.json"));
  if (typeof report === "object" && report !== null && "outcome" in report && report.outcome === "finished") {
    throw new BasinError({
      what: "The run in this folder is finished",
      where: folder,
      fix:
        "There is nothing to resume. Choose another folder with --out, or " +
        "add --force instead of --resume to overwrite.",
    });
  }
  const begun = json(join(folder, "spec.json"));
  if (begun !== null) refuseOtherSpec(resolveSpec(begun, join(folder, "spec.json")), spec, folder);
  const path = join(folderOf(folder), FILE);
  const log = join(folderOf(folder), LOG);
  const readLog = async (): Promise<Uint8Array<ArrayBuffer> | null> =>
    existsSync(log) ? new Uint8Array(readFileSync(log)) : null;
  return existsSync(path) ? decodeSnapshot(new Uint8Array(readFileSync(path)), path, readLog) : null;
}

/** null for a file that is not there, or was cut off when its process died. */
function json(path: string): unknown {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown;
  } catch {
    return null;
  }
}

/** A JSON Lines file that is written through at once: a run that dies loses no line. */
export class LinesFile {
  readonly #path: string;
  #file: number | null;

  /** @param later an earlier run's file is replaced with the first line, not now */
  constructor(path: string, later: boolean) {
    this.#path = path;
    this.#file = later ? null : openSync(path, "w");
  }

  write(value: unknown): void {
    this.#file ??= openSync(this.#path, "w");
    writeSync(this.#file, `${JSON.stringify(value)}\n`);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }
}
