/**
 * @file A run's folder: the files that say how far the run got, and the checkpoint that it resumes from.
 *
 *     checkpoint/run.safetensors     the last whole checkpoint; there until the run is finished
 *
 * A checkpoint is written beside the last one, forced to the disk, and only then takes its name, which the system does
 * in one go: whenever the process dies or the power fails, there is a whole one.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { BasinError } from "../base/error.ts";
import { refuseOtherSpec } from "../experiment/snapshot/fit.ts";
import { decodeSnapshot, type RunSnapshot } from "../experiment/snapshot/runSnapshot.ts";
import { resolveSpec, type Spec } from "../experiment/spec/spec.ts";

const FILE = "run.safetensors";

function folderOf(folder: string): string {
  return join(folder, "checkpoint");
}

export function hasCheckpoint(folder: string): boolean {
  return existsSync(join(folderOf(folder), FILE));
}

/** @throws BasinError when it cannot be written; the last one is then still there */
export function writeCheckpoint(folder: string, bytes: Uint8Array): void {
  const path = join(folderOf(folder), FILE);
  mkdirSync(folderOf(folder), { recursive: true });
  const file = openSync(`${path}.part`, "w");
  try {
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
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
  return existsSync(path) ? decodeSnapshot(new Uint8Array(readFileSync(path)), path) : null;
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
