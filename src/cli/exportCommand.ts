/** @file `basin export`: an experiment as a folder for PyTorch. Trains nothing and needs no GPU. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { BasinError } from "../base/error.ts";
import { exportPython, type ModelPlace } from "../experiment/replay/pythonExport.ts";
import { parseSpecJson } from "../experiment/spec/specJson.ts";
import { parseModelName } from "../weights/modelName.ts";
import { nodeEnvironment, readText } from "./environment.ts";
import { bundledModels, modelSource } from "./paths.ts";
import { log, printJson } from "./report.ts";

export interface ExportOptions {
  /** Folder to write. */
  readonly python: string;
  readonly force?: boolean;
}

/** Writes the folder and prints what it holds, as JSON. */
export async function exportSpec(specPath: string, { python, force = false }: ExportOptions): Promise<void> {
  const spec = parseSpecJson(await readText(specPath), specPath);
  const folder = resolve(python);
  if (!force && existsSync(folder) && readdirSync(folder).length > 0) {
    throw new BasinError({
      what: "The folder is not empty",
      where: folder,
      fix: "Choose another folder with --python, or add --force to write into it.",
    });
  }
  const beside = dirname(resolve(specPath));
  const { files, rows, steps, notes } = await exportPython({
    spec,
    environment: nodeEnvironment(beside),
    placeOf: (name) => placeOf(name, beside, folder),
  });
  for (const [path, bytes] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  for (const note of notes) log(note);
  printJson({ out: folder, rows, steps, files: [...files.keys()] });
}

/**
 * Bundled models go along; folders are named from the export, found as a run finds them; the hub's keep their names.
 */
function placeOf(name: string, beside: string, folder: string): ModelPlace {
  if (bundledModels().includes(name)) return { kind: "copied", source: modelSource(name) };
  const found = [resolve(name), resolve(beside, name)].find((path) => existsSync(path));
  if (found !== undefined) return { kind: "named", name: relative(folder, found) };
  return parseModelName(name).kind === "hub" ? { kind: "named", name } : { kind: "elsewhere" };
}
