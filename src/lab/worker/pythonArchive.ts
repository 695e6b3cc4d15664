/** @file An experiment's PyTorch replay as a zip. */
import { zipSync, type Zippable } from "fflate";
import type { RunEnvironment } from "../../experiment/run/environment.ts";
import { exportPython, type ModelPlace } from "../../experiment/replay/pythonExport.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { ByteSource } from "../../weights/byteSource.ts";
import { parseModelName } from "../../weights/modelName.ts";
import type { PythonArchive } from "./protocol/requests.ts";

/** What the zip unpacks to. */
const FOLDER = "basin-replay";

export interface ArchiveEnvironment extends RunEnvironment {
  /** The files of a model of this page. */
  source(name: string): ByteSource;
}

/** @throws BasinError as `exportPython` */
export async function pythonArchive(spec: Spec, environment: ArchiveEnvironment): Promise<PythonArchive> {
  const { files, steps, notes } = await exportPython({
    spec,
    environment,
    placeOf: (name) => placeOf(name, environment),
  });
  const entries: Zippable = {};
  // Weights hardly compress.
  for (const [path, bytes] of files)
    entries[`${FOLDER}/${path}`] = [bytes, { level: path.endsWith(".safetensors") ? 0 : 6 }];
  return { zip: zipSync(entries), files: files.size, steps, notes };
}

/** Bundled models go along and the hub's are named; no other is known outside of this page. */
function placeOf(name: string, environment: ArchiveEnvironment): ModelPlace {
  const { kind } = parseModelName(name);
  if (kind === "bundled") return { kind: "copied", source: environment.source(name) };
  return kind === "hub" ? { kind: "named", name } : { kind: "elsewhere" };
}
