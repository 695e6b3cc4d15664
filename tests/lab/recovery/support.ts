/** @file A browser in memory: records, snapshots and locks that outlive the tabs that use them. */
import type { CellOutcome } from "../../../src/experiment/table/outcome.ts";
import { Snapshots } from "../../../src/lab/recovery/snapshots.ts";
import type { UnfinishedRun } from "../../../src/lab/recovery/unfinishedRun.ts";
import type { StoredRun } from "../../../src/lab/runs/storedRun.ts";
import type { Archives } from "../../../src/lab/storage/archives.ts";
import type { TabLocks } from "../../../src/lab/storage/tabLocks.ts";
import { savedIn, type SavedSettings } from "../../../src/lab/support/savedSettings.ts";
import type { StoredTable } from "../../../src/lab/table/storedTable.ts";
import type { CacheFiles } from "../../../src/weights/cache/cacheFiles.ts";
import { Disk, FakeFiles } from "../../weights/cache/support.ts";
import { runArchive, SharedRecords, type StorageOperation } from "../sharedRecords.ts";

export class FakeBrowser {
  readonly runs = new SharedRecords<StoredRun>(({ runId }) => runId);
  readonly tables = new SharedRecords<StoredTable>(({ id }) => id);
  readonly outcomes = new SharedRecords<CellOutcome>(({ key }) => key);
  readonly unfinished = new SharedRecords<UnfinishedRun>(({ runId }) => runId);
  readonly disk = new Disk();
  /** Called before each operation of the storage; what it throws is what the storage refuses. */
  onOperation: ((operation: StorageOperation) => void) | null = null;
  readonly #runLocks = new FakeLocks();
  readonly #tableLocks = new FakeLocks();
  #tabs = 0;

  /** Records of unfinished runs. */
  get records(): Map<string, UnfinishedRun> {
    return this.unfinished.records;
  }

  /** What a page is given; `die` is what the browser does when the page is gone. */
  tab(session: SavedSettings = memorySession()): Archives & { readonly die: () => void } {
    const id = (this.#tabs += 1);
    let alive = true;
    const living = async <T>(work: () => T | Promise<T>): Promise<T> =>
      alive ? work() : new Promise<T>(() => undefined);
    const stored = <T>(work: () => T | Promise<T>, operation: StorageOperation): Promise<T> =>
      living(() => {
        this.onOperation?.(operation);
        return living(work);
      });
    const stores = [this.runs, this.tables, this.outcomes, this.unfinished];
    return {
      runs: runArchive(this.runs.tab(id, stored)),
      tables: this.tables.tab(id, stored),
      outcomes: this.outcomes.tab(id, stored),
      unfinished: this.unfinished.tab(id, stored),
      snapshots: async () => new Snapshots(watchedFiles(new FakeFiles(this.disk), stored)),
      runLocks: this.#runLocks.tab(id, living),
      tableLocks: this.#tableLocks.tab(id, living),
      session,
      die: () => {
        alive = false;
        for (const store of stores) store.forget(id);
        for (const locks of [this.#runLocks, this.#tableLocks]) locks.release(id);
      },
    };
  }
}

/** Settings that last as long as the test. */
export function memorySession(): SavedSettings {
  return savedIn(() => {
    throw new Error("no storage");
  });
}

/** Files whose operations are those of a tab. */
function watchedFiles(
  files: CacheFiles,
  stored: <T>(work: () => Promise<T>, operation: StorageOperation) => Promise<T>,
): CacheFiles {
  return {
    list: (folder) => stored(() => files.list(folder), "read"),
    read: (path) => stored(() => files.read(path), "read"),
    writeAt: (path, at, bytes) => stored(() => files.writeAt(path, at, bytes), "write"),
    write: (path, bytes) => stored(() => files.write(path, bytes), "write"),
    rename: (from, to) => stored(() => files.rename(from, to), "write"),
    remove: (path) => stored(() => files.remove(path), "remove"),
  };
}

class FakeLocks {
  /** Which tab holds which lock. */
  readonly #held = new Map<string, number>();
  #waiting: { readonly id: string; readonly free: () => void }[] = [];

  tab(tab: number, living: <T>(work: () => T) => Promise<T>): TabLocks {
    return {
      hold: (id) =>
        living(() => {
          if (this.#held.has(id)) return null;
          this.#held.set(id, tab);
          return () => this.#free(id, tab);
        }),
      held: () => living(() => new Set(this.#held.keys())),
      whenFree: (id) =>
        this.#held.has(id) ? new Promise<void>((free) => this.#waiting.push({ id, free })) : Promise.resolve(),
    };
  }

  /** All that a tab holds. */
  release(tab: number): void {
    for (const [id, holder] of [...this.#held]) if (holder === tab) this.#free(id, tab);
  }

  #free(id: string, tab: number): void {
    if (this.#held.get(id) !== tab) return;
    this.#held.delete(id);
    for (const { free } of this.#waiting.filter((one) => one.id === id)) free();
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
  }
}

/** Until everything that was asked for has been done. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 25; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    // Digests are made on other threads: on a busy machine they take longer than a timer.
    await crypto.subtle.digest("SHA-256", new Uint8Array(1000));
  }
}
