/**
 * @file What an experiment needs from its surroundings. The lab gives fetch and files of the page, the command line
 * folders.
 */
import type { TextClassifier } from "../../eval/judges/textClassifier.ts";
import type { DataFile } from "../../text/data/table.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import type { HubSource } from "../../weights/hubSource.ts";
import type { Transfer } from "../../weights/transfer.ts";

export interface RunEnvironment {
  /**
   * Opens a model by its name (weights/modelName.ts); `onTransfer` hears how its tensors come in, for as long as it
   * is read. @throws BasinError when there is none
   */
  openModel(name: string, signal?: AbortSignal, onTransfer?: (transfer: Transfer) => void): Promise<Checkpoint>;
  /** A dataset file by path or address, read by ranges. @throws BasinError when there is none */
  openData(path: string, signal?: AbortSignal): Promise<DataFile>;
  /**
   * A dataset repository of the hub at a branch, tag or commit; nothing is asked yet.
   * @throws BasinError for a malformed name
   */
  openDataset(repo: string, revision: string): HubSource;
  /** The files of an adapter. @throws BasinError when they cannot be read */
  readAdapter(path: string, signal?: AbortSignal): Promise<AdapterFiles>;
  /**
   * A text classifier that judges answers, by its model's name. Absent where none can be run.
   * @throws BasinError when it cannot be read
   */
  openClassifier?(name: string, signal?: AbortSignal): Promise<TextClassifier>;
  /** Memory of the machine in bytes, where that is known; what a software adapter takes comes from it. */
  readonly systemMemory?: number;
  /** A clock in milliseconds that never goes back. */
  now(): number;
  /** What the numbers were made with, for the report: Basin's version, the runtime's. */
  readonly versions: Readonly<Record<string, string>>;
}
