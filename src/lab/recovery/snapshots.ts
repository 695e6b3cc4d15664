/**
 * @file Snapshots of unfinished runs in this browser: files in a folder per run, indexed by their names.
 *
 *     <run>/<n>-<stage>-<step>-<bytes>.safetensors     n grows with each snapshot
 *     <run>/part                                       being written
 *
 * A snapshot is written to `part`, flushed to disk, renamed, and only then are earlier ones removed, so a crash, a full
 * disk or a power cut at any moment leaves a complete one. Reading verifies length and digest, and falls back to an
 * earlier snapshot if the newest is damaged (some browsers rename by copying, which can be interrupted, too).
 */
import { BasinError } from "../../base/error.ts";
import { decodeSnapshot, type RunSnapshot, type SnapshotStage } from "../../experiment/snapshot/runSnapshot.ts";
import type { CacheFiles } from "../../weights/cache/cacheFiles.ts";
import { openOpfs } from "../../weights/cache/opfs.browser.ts";
import { DAMAGED_SNAPSHOT } from "./copy.ts";

type Stage = SnapshotStage["kind"];

/** The newest snapshot of a run. */
export interface SnapshotInfo {
  readonly runId: string;
  /** Steps taken: of the run, or in stage "safe_adapter" of the adapter that is trained before it. */
  readonly step: number;
  readonly stage: Stage;
  readonly bytes: number;
}

interface SnapshotFile extends SnapshotInfo {
  readonly path: string;
  readonly n: number;
  readonly files: CacheFiles;
}

/** Folder of earlier versions, which did not keep the sites below one origin apart. */
const EARLIER_FOLDER = "basin-checkpoints-1";

let opened: Promise<Snapshots> | null = null;

/**
 * The snapshots of this site, opened once. Listing and removing work everywhere, writing in workers only.
 * @param home address of the folder that the page is served from
 * @throws where the page has no storage
 */
export function openSnapshots(home: string): Promise<Snapshots> {
  opened ??= open(home).catch((error: unknown) => {
    opened = null; // the next one tries again
    throw error;
  });
  return opened;
}

async function open(home: string): Promise<Snapshots> {
  const files = await openOpfs({
    folder: `basin-snapshots ${encodeURIComponent(new URL(home).pathname)}`,
    flush: true,
  });
  const root = await navigator.storage.getDirectory();
  const hasEarlier = await root.getDirectoryHandle(EARLIER_FOLDER).then(
    () => true,
    () => false,
  );
  return new Snapshots(files, hasEarlier ? await openOpfs({ folder: EARLIER_FOLDER, flush: true }) : null);
}

export class Snapshots {
  readonly #files: CacheFiles;
  readonly #earlier: CacheFiles | null;

  /** @param earlier read and removed from, never written to */
  constructor(files: CacheFiles, earlier: CacheFiles | null = null) {
    this.#files = files;
    this.#earlier = earlier;
  }

  /** The newest snapshot of every run; its size includes earlier ones that are still there. */
  async list(): Promise<readonly SnapshotInfo[]> {
    const runIds = new Set([...(await this.folders()), ...(await foldersOf(this.#earlier))]);
    const found: SnapshotInfo[] = [];
    for (const runId of runIds) {
      const [newest, ...older] = await this.#of(runId);
      if (newest === undefined) continue;
      const bytes = older.reduce((sum, { bytes: size }) => sum + size, newest.bytes);
      found.push({ runId, step: newest.step, stage: newest.stage, bytes });
    }
    return found;
  }

  /** Folders of this site's runs, including those without a complete snapshot. */
  folders(): Promise<readonly string[]> {
    return foldersOf(this.#files);
  }

  /** Replaces the run's earlier snapshots. @throws CacheFullError; the last one is then kept */
  async save(runId: string, file: Uint8Array<ArrayBuffer>, step: number, stage: Stage): Promise<void> {
    const before = await this.#of(runId);
    const part = `${runId}/part`;
    const n = (before[0]?.n ?? 0) + 1;
    try {
      await this.#files.write(part, file);
      await this.#files.rename(part, `${runId}/${n}-${stage}-${step}-${file.byteLength}.safetensors`);
    } catch (error) {
      await this.#files.remove(part).catch(() => undefined);
      throw error;
    }
    // One that cannot be removed now is removed with the next snapshot.
    for (const { files, path } of before) await files.remove(path).catch(() => undefined);
  }

  /**
   * The newest complete snapshot of a run; null if there is none.
   * @throws BasinError if all that there are are damaged
   */
  async load(runId: string): Promise<RunSnapshot | null> {
    let damaged: BasinError | null = null;
    for (const { files, path, bytes } of await this.#of(runId)) {
      const file = await files.read(path);
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

  async remove(runId: string): Promise<void> {
    await this.#files.remove(runId);
    await this.#earlier?.remove(runId);
  }

  /** A run's snapshots, the newest first. */
  async #of(runId: string): Promise<SnapshotFile[]> {
    const found: SnapshotFile[] = [];
    for (const files of [this.#files, this.#earlier]) {
      if (files === null) continue;
      for (const { name } of await files.list(runId)) found.push(...parse(files, runId, name));
    }
    return found.sort((a, b) => b.n - a.n);
  }
}

async function foldersOf(files: CacheFiles | null): Promise<readonly string[]> {
  return ((await files?.list("")) ?? []).flatMap(({ name, kind }) => (kind === "folder" ? [name] : []));
}

/** Nothing for a file that is no snapshot. */
function parse(files: CacheFiles, runId: string, name: string): SnapshotFile[] {
  const match = /^(\d+)-(safe_adapter|training)-(\d+)-(\d+)\.safetensors$/.exec(name);
  if (match === null) return [];
  const [, n, stage, step, bytes] = match;
  return [
    {
      runId,
      files,
      path: `${runId}/${name}`,
      n: Number(n),
      stage: stage === "training" ? "training" : "safe_adapter",
      step: Number(step),
      bytes: Number(bytes),
    },
  ];
}
