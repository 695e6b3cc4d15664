/** @file Paths: Basin's own folder, bundled models, and what a name on the command line refers to. */

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BasinError } from "../base/error.ts";
import type { ByteSource } from "../weights/byteSource.ts";
import { hubSource } from "../weights/hubSource.ts";
import { parseModelName } from "../weights/modelName.ts";
import { nodeFolderSource } from "../weights/nodeFolder.node.ts";
import { urlSource } from "../weights/urlSource.ts";

/**
 * Basin's package folder: the nearest one above this file whose package.json is Basin's (sources and built file alike).
 */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

export const packageVersion: string = readPackage(packageRoot)?.version ?? "unknown";

const BUNDLED = join(packageRoot, "public", "models");
const JUDGES = join(packageRoot, "public", "judges");

/** Names of the bundled models. */
export function bundledModels(): string[] {
  return existsSync(BUNDLED)
    ? readdirSync(BUNDLED).filter((name) => existsSync(join(BUNDLED, name, "config.json")))
    : [];
}

/**
 * The files of a model: a bundled name, a folder (a path from the working directory, which wins over a hub id of the
 * same spelling), an address, or a hub id. The hub's token and address are those of its own tools: HF_TOKEN,
 * HF_ENDPOINT.
 * @param path where the folder would be, when that is not `name`
 * @throws BasinError when the name fits none of these
 */
export function modelSource(name: string, path: string = name): ByteSource {
  if (bundledModels().includes(name)) return nodeFolderSource(join(BUNDLED, name), name);
  const folder = resolve(path);
  if (existsSync(folder) && statSync(folder).isDirectory()) return nodeFolderSource(folder, name);
  const remote = remoteSource(name);
  if (remote !== null) return remote;
  throw new BasinError({
    what: `There is no model ${JSON.stringify(name)}`,
    where: folder,
    fix:
      "Give a folder with config.json and model.safetensors, owner/name on the Hugging Face hub, a " +
      `URL, or a bundled model: ${bundledModels().join(", ") || "none is installed"}.`,
  });
}

/**
 * Where an adapter is: an existing folder at `path`, `owner/name[@revision]` of the hub, or an address.
 * @throws BasinError when the name is none of these
 */
export function adapterSource(name: string, path: string = name): ByteSource {
  const folder = resolve(path);
  if (existsSync(folder)) return nodeFolderSource(folder, path);
  const remote = remoteSource(name);
  if (remote !== null) return remote;
  throw new BasinError({
    what: `There is no adapter ${JSON.stringify(name)}`,
    where: folder,
    fix:
      "Give a folder with adapter_config.json and adapter_model.safetensors, owner/name on the Hugging " +
      "Face hub, or a URL. Relative paths start from the working directory.",
  });
}

/**
 * Where a text classifier is: a bundled judge, a folder, an address, or a hub id.
 * @param path where the folder would be, when that is not `name`
 * @throws BasinError when the name fits none of these
 */
export function classifierSource(name: string, path: string = name): ByteSource {
  if (existsSync(join(JUDGES, name, "config.json")) && parseModelName(name).kind === "bundled")
    return nodeFolderSource(join(JUDGES, name), name);
  const folder = resolve(path);
  if (existsSync(folder) && statSync(folder).isDirectory()) return nodeFolderSource(folder, name);
  const remote = remoteSource(name);
  if (remote !== null) return remote;
  throw new BasinError({
    what: `There is no classifier ${JSON.stringify(name)}`,
    where: folder,
    fix:
      "Give a folder with config.json, tokenizer.json and model.onnx, owner/name on the " +
      "Hugging Face hub, a URL, or the bundled apothecary-judge.",
  });
}

function remoteSource(name: string): ByteSource | null {
  const model = parseModelName(name);
  if (model.kind === "url") return urlSource(model.base);
  if (model.kind !== "hub") return null;
  const { HF_TOKEN: token = "", HF_ENDPOINT: hubUrl = "" } = process.env;
  return hubSource({
    repo: model.repo,
    revision: model.revision,
    name,
    ...(token === "" ? {} : { token }),
    ...(hubUrl === "" ? {} : { hubUrl }),
  });
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (readPackage(folder)?.name === "basin") return folder;
    if (dirname(folder) === folder) throw new Error(`Basin's package.json was not found above ${start}`);
  }
}

function readPackage(folder: string): { readonly name?: string; readonly version?: string } | null {
  const file = join(folder, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string }) : null;
}
