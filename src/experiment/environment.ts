/** @file What an experiment needs from its surroundings. The lab gives fetch and files of the page, the command line folders. */
import type { AdapterFiles } from "../weights/adapterFile.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";

export interface RunEnvironment {
  /** Opens a model by bundled name, path or address. @throws BasinError when there is none */
  openModel(name: string, signal?: AbortSignal): Promise<Checkpoint>;
  /** The text of a dataset file. @throws BasinError when it cannot be read */
  readText(path: string, signal?: AbortSignal): Promise<string>;
  /** The files of an adapter. @throws BasinError when they cannot be read */
  readAdapter(path: string, signal?: AbortSignal): Promise<AdapterFiles>;
  /** A clock in milliseconds that never goes back. */
  now(): number;
  /** What the numbers were made with, for the report: Basin's version, the runtime's. */
  readonly versions: Readonly<Record<string, string>>;
}
