/**
 * @file The checkpoints of this browser's unfinished runs: files in a folder of their own, one folder a run. Their names are the index.
 *
 *     <run>/<n>-<stage>-<step>-<bytes>.safetensors     n grows with each checkpoint
 *     <run>/part                                       being written
 *
 * A checkpoint is written beside the last one, forced to the disk, and only then takes its name; the ones before it are removed
 * after that. So a crash, a full disk or a power cut at any moment leaves a whole one. Whoever reads verifies length and
 * digest, and takes an earlier one where the newest is damaged (a browser may rename by copying, which can be cut off, too).
 */
import { BasinError } from "../../base/error.ts";
import { decodeSnapshot, type SnapshotStage, type RunSnapshot } from "../../experiment/snapshot/runSnapshot.ts";
import type { CacheFiles } from "../../weights/cache/cacheFiles.ts";
import { DAMAGED_SNAPSHOT } from "./copy.ts";
import { openOpfs } from "../../weights/cache/opfs.browser.ts";

type Stage = SnapshotStage["kind"];

/** The newest checkpoint of a run. */
export interface SnapshotInfo {
  readonly runId: string;
  /** Steps taken: of the run, or in stage "safe_adapter" of the adapter that is trained before it. */
  readonly step: number;
  readonly stage: Stage;
  readonly bytes: number;
}

interface CheckpointFile extends SnapshotInfo {
  readonly path: string;
  readonly n: number;
}

let opened: Promise<Snapshots> | null = null;

/** The folder of checkpoints, opened once. Lists and removes everywhere; writes in workers only. @throws where the page has no storage */
export function openSnapshots(): Promise<Snapshots> {
  opened ??= openOpfs({ folder: "basin-checkpoints-1", flush: true }).then(
    (files) => new Snapshots(files),
    (error: unknown) => {
      opened = null; // the next one tries again
      throw error;
    },
  );
  return opened;
}

export class Snapshots {
  readonly #files: CacheFiles;

  constructor(files: CacheFiles) {
    this.#files = files;
  }

  /** The newest checkpoint of every run that has a folder; its bytes count those of its predecessors that are still there. */
  async list(): Promise<readonly SnapshotInfo[]> {
    const found: SnapshotInfo[] = [];
    for (const { name, kind } of await this.#files.list("")) {
      if (kind !== "folder") continue;
      const [newest, ...older] = await this.#of(name);
      if (newest)
        found.push({
          runId: name,
          step: newest.step,
          stage: newest.stage,
          bytes: older.reduce((sum, { bytes }) => sum + bytes, newest.bytes),
        });
    }
    return found;
  }

  /** Folders of runs, also those in which no checkpoint was completed. */
  async folders(): Promise<readonly string[]> {
    return (await this.#files.list("")).flatMap(({ name, kind }) => (kind === "folder" ? [name] : []));
  }

  /** Keeps a checkpoint in place of the run's earlier ones. @throws CacheFullError; the last one is then still there */
  async save(runId: string, file: Uint8Array<ArrayBuffer>, step: number, stage: Stage): Promise<void> {
    const before = await this.#of(runId);
    const part = `${runId}/part`;
    try {
      await this.#files.write(part, file);
      await this.#files.rename(
        part,
        `${runId}/${(before[0]?.n ?? 0) + 1}-${stage}-${step}-${file.byteLength}.safetensors`,
      );
    } catch (error) {
      await this.#files.remove(part).catch(() => undefined);
      throw error;
    }
    // What cannot be removed now is removed with the next one.
    for (const { path } of before) await this.#files.remove(path).catch(() => undefined);
  }

  /**
   * The newest checkpoint of a run that is whole; null where there is none at all.
   * @throws BasinError where there is one and it is damaged
   */
  async load(runId: string): Promise<RunSnapshot | null> {
    let damaged: BasinError | null = null;
    for (const { path, bytes } of await this.#of(runId)) {
      const file = await this.#files.read(path);
      if (file === null) continue;
      try {
        if (file.byteLength !== bytes)
          throw new BasinError({
            what: DAMAGED_SNAPSHOT.what(file.byteLength, bytes),
            where: DAMAGED_SNAPSHOT.where,
            fix: DAMAGED_SNAPSHOT.fix,
          });
        return await decodeSnapshot(file, DAMAGED_SNAPSHOT.where);
      } catch (error) {
        if (!(error instanceof BasinError)) throw error;
        damaged ??= error;
      }
    }
    if (damaged !== null) throw damaged;
    return null;
  }

  remove(runId: string): Promise<void> {
    return this.#files.remove(runId);
  }

  /** A run's checkpoints, the newest first. */
  async #of(runId: string): Promise<CheckpointFile[]> {
    const names = await this.#files.list(runId);
    return names.flatMap(({ name }) => parse(runId, name) ?? []).sort((a, b) => b.n - a.n);
  }
}

function parse(runId: string, name: string): CheckpointFile | null {
  const match = /^(\d+)-(safe_adapter|training)-(\d+)-(\d+)\.safetensors$/.exec(name);
  if (match === null) return null;
  const [, n, stage, step, bytes] = match;
  return {
    runId,
    path: `${runId}/${name}`,
    n: Number(n),
    stage: stage === "training" ? "training" : "safe_adapter",
    step: Number(step),
    bytes: Number(bytes),
  };
}
