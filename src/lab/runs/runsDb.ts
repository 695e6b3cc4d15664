/** @file Finished runs in IndexedDB: one object store, keyed by run id. */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { StoredRun } from "./storedRun.ts";

interface Schema extends DBSchema {
  runs: { key: string; value: StoredRun; indexes: { endedAt: number } };
}

/** What the history needs of a store; tests use a map. */
export interface RunArchive {
  /** Newest first. */
  all(): Promise<readonly StoredRun[]>;
  put(run: StoredRun): Promise<void>;
  remove(runId: string): Promise<void>;
}

export function openRunArchive(name = "basin"): RunArchive {
  let opened: Promise<IDBPDatabase<Schema>> | null = null;
  const database = (): Promise<IDBPDatabase<Schema>> => {
    opened ??= openDB<Schema>(name, 1, {
      upgrade(db) {
        db.createObjectStore("runs", { keyPath: "runId" }).createIndex("endedAt", "endedAt");
      },
    });
    return opened;
  };
  return {
    all: async () => (await (await database()).getAllFromIndex("runs", "endedAt")).reverse(),
    put: async (run) => {
      await (await database()).put("runs", run);
    },
    remove: async (runId) => {
      await (await database()).delete("runs", runId);
    },
  };
}
