/** @file Dataset files of the command line: paths, addresses, and the hub. */
import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { BasinError } from "../base/error.ts";
import { addressFile, dataFile } from "../experiment/data/dataFile.ts";
import type { DataFile } from "../text/data/table.ts";
import { hubSource, type HubSource } from "../weights/hubSource.ts";
import { nodeFolderSource } from "../weights/nodeFolder.node.ts";

export function isAddress(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** @throws BasinError when there is no such file */
export async function openData(path: string, signal?: AbortSignal): Promise<DataFile> {
  if (isAddress(path)) return addressFile(path, signal);
  const full = resolve(path);
  const info = await stat(full).catch(() => null);
  if (info === null || !info.isFile()) {
    throw new BasinError({
      what:
        info === null ? `There is no file ${JSON.stringify(path)}` : `${JSON.stringify(path)} is a folder, not a file`,
      where: full,
      fix: "Check the path; relative paths start from the working directory.",
    });
  }
  return dataFile(nodeFolderSource(dirname(full), dirname(path)), basename(full), signal, path);
}

/** The hub's token and address are those of its own tools: HF_TOKEN, HF_ENDPOINT. */
export function openDataset(repo: string, revision: string): HubSource {
  const { HF_TOKEN: token = "", HF_ENDPOINT: hubUrl = "" } = process.env;
  return hubSource({
    repo,
    revision,
    type: "dataset",
    ...(token === "" ? {} : { token }),
    ...(hubUrl === "" ? {} : { hubUrl }),
  });
}
