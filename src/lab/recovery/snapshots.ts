/**
 * @file Snapshots of unfinished runs in this browser: files in a folder per run, indexed by their names.
 *
 *     <run>/<n>-<stage>-<step>-<bytes>-<log>.safetensors     n grows with each snapshot; log: bytes of it so far
 *     <run>/log                                              appended to (experiment/snapshot/snapshotLog.ts)
 *     <run>/part                                             being written
 *
 * The log is written first: what a crash leaves behind its end is not read. A snapshot is written to `part`, flushed to
 * disk, renamed, and only then are earlier ones removed, so a crash, a full disk or a power cut at any moment leaves a
 * complete one. Reading verifies length and digest, and falls back to an earlier snapshot if the newest is damaged
 * (some browsers rename by copying, which can be interrupted, too).
 */
import { BasinError } from "../../base/error.ts";
import type { SnapshotToSave } from "../../experiment/run/runOptions.ts";
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
  /** Length of the file without its log. */
  readonly fileBytes: number;
  readonly files: CacheFiles;
}

const LOG = "log";

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
      // They share a log.
      const bytes = older.reduce((sum, { fileBytes }) => sum + fileBytes, newest.bytes);
      found.push({ runId, step: newest.step, stage: newest.stage, bytes });
    }
    return found;
  }

  /** Folders of this site's runs, including those without a complete snapshot. */
  folders(): Promise<readonly string[]> {
    return foldersOf(this.#files);
  }

  /** Replaces the run's earlier snapshots. @throws CacheFullError; the last one is then kept */
  async save(runId: string, { file, log, step, stage }: SnapshotToSave): Promise<void> {
    const before = await this.#of(runId);
    const part = `${runId}/part`;
    const n = (before[0]?.n ?? 0) + 1;
    const name = `${n}-${stage}-${step}-${file.byteLength}-${log.at + log.bytes.byteLength}.safetensors`;
    try {
      if (log.bytes.byteLength > 0) await this.#files.writeAt(`${runId}/${LOG}`, log.at, log.bytes);
      await this.#files.write(part, file);
      await this.#files.rename(part, `${runId}/${name}`);
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
    for (const { files, path, fileBytes } of await this.#of(runId)) {
      const file = await files.read(path);
      if (file === null) continue;
      try {
        if (file.byteLength !== fileBytes)
          throw new BasinError({
            what: DAMAGED_SNAPSHOT.what(file.byteLength, fileBytes),
            where: DAMAGED_SNAPSHOT.where,
            fix: DAMAGED_SNAPSHOT.fix,
          });
        return await decodeSnapshot(file, DAMAGED_SNAPSHOT.where, () => files.read(`${runId}/${LOG}`));
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
  // Snapshots of earlier versions have no log.
  const match = /^(\d+)-(safe_adapter|training)-(\d+)-(\d+)(?:-(\d+))?\.safetensors$/.exec(name);
  if (match === null) return [];
  const [, n, stage, step, bytes, log = "0"] = match;
  return [
    {
      runId,
      files,
      path: `${runId}/${name}`,
      n: Number(n),
      stage: stage === "training" ? "training" : "safe_adapter",
      step: Number(step),
      fileBytes: Number(bytes),
      bytes: Number(bytes) + Number(log),
    },
  ];
}
