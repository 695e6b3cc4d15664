/** @file Records that the tabs of one browser share, in memory: what storage/collection.ts does with a database. */
import { toSummary } from "../../src/lab/runs/runSummary.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import type { Collection } from "../../src/lab/storage/collection.ts";
import type { RunArchive } from "../../src/lab/storage/runArchive.ts";

/** What is asked of a storage. */
export type StorageOperation = "read" | "write" | "remove";

export class SharedRecords<T> {
  readonly records = new Map<string, T>();
  readonly #keyOf: (record: T) => string;
  readonly #listeners = new Map<unknown, ((key: string) => void)[]>();

  constructor(keyOf: (record: T) => string) {
    this.#keyOf = keyOf;
  }

  /** @param tab its identity @param living what it asks for; a dead tab gets no answer */
  tab(
    tab: unknown,
    living: <R>(work: () => R, operation: StorageOperation) => Promise<R> = async (work) => work(),
  ): Collection<T> {
    const changed = (key: string): void => {
      for (const [other, listeners] of this.#listeners) if (other !== tab) for (const listen of listeners) listen(key);
    };
    const write = (record: T): void => {
      this.records.set(this.#keyOf(record), structuredClone(record));
      changed(this.#keyOf(record));
    };
    return {
      all: () => living(() => [...this.records.values()], "read"),
      get: (key) => living(() => this.records.get(key), "read"),
      put: (record) => living(() => write(record), "write"),
      update: (key, change) =>
        living(() => {
          const before = this.records.get(key);
          if (before === undefined) return undefined;
          const after = change(before);
          if (after !== before) write(after);
          return after;
        }, "write"),
      remove: (key) =>
        living(() => {
          this.records.delete(key);
          changed(key);
        }, "remove"),
      onChange: (listener) => void this.#listeners.set(tab, [...(this.#listeners.get(tab) ?? []), listener]),
    };
  }

  /** The tab hears nothing any more. */
  forget(tab: unknown): void {
    this.#listeners.delete(tab);
  }
}

/** The archive of the history over records of whole runs; their summaries are made at each reading. */
export function runArchive(runs: Collection<StoredRun>): RunArchive {
  return {
    ...runs,
    summaries: async () => (await runs.all()).map(toSummary),
    summary: async (runId) => {
      const run = await runs.get(runId);
      return run === undefined ? undefined : toSummary(run);
    },
    update: async (runId, change) => {
      const run = await runs.update(runId, change);
      return run === undefined ? undefined : toSummary(run);
    },
  };
}

/** A storage that refuses everything. */
export function brokenCollection<T>(error: unknown): Collection<T> {
  const refuse = (): Promise<never> => Promise.reject(error);
  return { all: refuse, get: refuse, put: refuse, update: refuse, remove: refuse, onChange: () => undefined };
}
