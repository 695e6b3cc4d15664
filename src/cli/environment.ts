/** @file What a run needs of Node: models, datasets and adapters from folders, a clock. */

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join, resolve } from "node:path";
import { BasinError } from "../base/error.ts";
import type { RunEnvironment } from "../experiment/run/environment.ts";
import type { AdapterFiles } from "../weights/adapterFile.ts";
import { readAdapterFiles } from "../weights/adapterSource.ts";
import { openCheckpoint } from "../weights/checkpoint.ts";
import { openClassifier } from "./classifier.ts";
import { isAddress, openData, openDataset } from "./dataFiles.ts";
import { adapterSource, classifierSource, modelSource, packageVersion } from "./paths.ts";

/**
 * @param beside folder of the spec: relative paths start from the working directory or, where nothing is there, from it
 */
export function nodeEnvironment(beside?: string): RunEnvironment {
  const at = (path: string): string => {
    const nearby = beside === undefined ? path : resolve(beside, path);
    return !existsSync(resolve(path)) && existsSync(nearby) ? nearby : path;
  };
  return {
    openModel: async (name, signal, onProgress) => {
      const source = modelSource(name, at(name));
      const checkpoint = await openCheckpoint(source, {
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
      });
      return { ...checkpoint, uncached: source.origin?.("config.json") === "network" };
    },
    openData: (path, signal) => openData(isAddress(path) ? path : at(path), signal),
    openDataset,
    readAdapter: (name, signal) => readAdapter(name, at(name), signal),
    openClassifier: (name, signal) => openClassifier(classifierSource(name, at(name)), signal),
    systemMemory: systemMemory(),
    now: () => performance.now(),
    versions: { basin: packageVersion, node: process.versions.node },
  };
}

/** Bytes that this process may have: the machine's, or what its container allows. */
export function systemMemory(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** @throws BasinError when the file cannot be read */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(resolve(path), "utf8");
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * The two files of an adapter: a folder, `owner/name` of the hub, or an address.
 * @param path where a folder of this name would be
 * @throws BasinError when one is missing
 */
export function readAdapter(name: string, path: string = name, signal?: AbortSignal): Promise<AdapterFiles> {
  return readAdapterFiles(adapterSource(name, path), signal);
}

export async function writeAdapter(folder: string, files: AdapterFiles): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes as Uint8Array);
}

function unreadable(path: string, cause: unknown): BasinError {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR")
    return new BasinError({
      what: `There is no file ${JSON.stringify(path)}`,
      where: resolve(path),
      fix: "Check the path; relative paths start from the working directory.",
      cause,
    });
  return new BasinError({
    what: `The file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    where: resolve(path),
    fix: "Check that it is a file and that you may read it.",
    cause,
  });
}
