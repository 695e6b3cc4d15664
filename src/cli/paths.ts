/** @file Where things lie: Basin's own folder, bundled models, and what a name on the command line means. */

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BasinError } from "../engine/error.ts";

/** Basin's package folder: the nearest one above this file whose package.json is Basin's (sources and built file alike). */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

export const packageVersion: string = readPackage(packageRoot)?.version ?? "unknown";

const BUNDLED = join(packageRoot, "public", "models");

/** Names of the bundled models. */
export function bundledModels(): string[] {
  return existsSync(BUNDLED) ? readdirSync(BUNDLED).filter((name) => existsSync(join(BUNDLED, name, "config.json"))) : [];
}

/**
 * The folder of a model: a bundled name, or a path relative to the working directory.
 * @throws BasinError when there is neither
 */
export function modelFolder(name: string): string {
  if (bundledModels().includes(name)) return join(BUNDLED, name);
  const folder = resolve(name);
  if (existsSync(folder) && statSync(folder).isDirectory()) return folder;
  throw new BasinError({
    what: `There is no model ${JSON.stringify(name)}`,
    where: folder,
    fix: `Give a folder with config.json and model.safetensors, or a bundled model: ${bundledModels().join(", ") || "none is installed"}.`,
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
