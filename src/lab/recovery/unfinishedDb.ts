/**
 * @file Unfinished runs in IndexedDB: what a run needs beside its checkpoint to go on after this page is gone.
 *
 * A record is written when a run begins and removed when it ends; one that is still there while no tab holds its run's lock
 * (runLocks.ts) was interrupted.
 */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";

export interface UnfinishedRun {
  readonly version: 1;
  readonly runId: string;
  readonly spec: Spec;
  /** Milliseconds since 1970, as `seenAt`. */
  readonly startedAt: number;
  /** The last sign of life. */
  readonly seenAt: number;
  /** Steps taken by then. */
  readonly steps: number;
  /** null until the run has told it. */
  readonly totalSteps: number | null;
  /** The evaluation before training may be an earlier run's. */
  readonly reuse: boolean;
  /** A token for the hub was given; it is kept nowhere. */
  readonly token: boolean;
  /** What ended it; null where it was cut off. */
  readonly failure: RunFailure | null;
}

interface Schema extends DBSchema {
  unfinished: { key: string; value: UnfinishedRun };
}

/** What is needed of a store; tests use a map. */
export interface UnfinishedArchive {
  all(): Promise<readonly UnfinishedRun[]>;
  put(run: UnfinishedRun): Promise<void>;
  remove(runId: string): Promise<void>;
}

export function openUnfinishedArchive(name = "basin-unfinished"): UnfinishedArchive {
  let opened: Promise<IDBPDatabase<Schema>> | null = null;
  const database = (): Promise<IDBPDatabase<Schema>> => {
    opened ??= openDB<Schema>(name, 1, {
      upgrade(db) {
        db.createObjectStore("unfinished", { keyPath: "runId" });
      },
    });
    return opened;
  };
  return {
    all: async () => (await database()).getAll("unfinished"),
    put: async (run) => {
      await (await database()).put("unfinished", run);
    },
    remove: async (runId) => {
      await (await database()).delete("unfinished", runId);
    },
  };
}
