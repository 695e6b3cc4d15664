/** @file The snapshots of a run in memory, each with its log as it was then. */
import type { SnapshotToSave } from "../../src/experiment/run/runOptions.ts";
import { decodeSnapshot, type RunSnapshot } from "../../src/experiment/snapshot/runSnapshot.ts";
import type { LogPart } from "../../src/experiment/snapshot/snapshotLog.ts";

export interface SavedSnapshot {
  readonly step: number;
  readonly file: Uint8Array<ArrayBuffer>;
  readonly log: Uint8Array<ArrayBuffer>;
}

/** The log after a part has been written into it. */
export function withPart(log: Uint8Array, { at, bytes }: LogPart): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength === 0) return new Uint8Array(log);
  const after = new Uint8Array(at + bytes.byteLength);
  after.set(log.subarray(0, at));
  after.set(bytes, at);
  return after;
}

/** The logs of snapshots that were loaded: a run that resumes from one writes on. */
const logs = new WeakMap<RunSnapshot, Uint8Array<ArrayBuffer>>();

export class SavedSnapshots {
  readonly list: SavedSnapshot[] = [];
  #log: Uint8Array<ArrayBuffer>;

  /** @param resumed what the run resumes from */
  constructor(resumed?: RunSnapshot) {
    this.#log = (resumed && logs.get(resumed)) ?? new Uint8Array();
  }

  readonly save = ({ file, log, step }: SnapshotToSave): void => {
    this.#log = withPart(this.#log, log);
    this.list.push({ step, file, log: this.#log });
  };
}

export async function loadSnapshot({ file, log }: SavedSnapshot): Promise<RunSnapshot> {
  const snapshot = await decodeSnapshot(file, "checkpoint", async () => log);
  logs.set(snapshot, log);
  return snapshot;
}
