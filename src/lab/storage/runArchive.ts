/**
 * @file The history in the lab's database: whole runs, and beside each its summary, which is all that lists read.
 *
 *     runs: steps, answers, adapter …  ──▸  summaries        one transaction writes, changes or removes both
 *
 * Earlier versions stored runs only. A summary that is missing is made from its run when the history is read, one run
 * after the other: an upgrade that was interrupted goes on at the next visit, and where the disk is full the summary is
 * used without being stored. The runs themselves are not rewritten.
 */
import type { IDBPDatabase } from "idb";
import { SUMMARY_FORM, toSummary, type RunSummary } from "../runs/runSummary.ts";
import type { StoredRun } from "../runs/storedRun.ts";
import type { ChangeChannel } from "./changeChannel.ts";
import type { LabDatabase } from "./database.ts";

/** What controllers need; tests use a map. */
export interface RunArchive {
  summaries(): Promise<readonly RunSummary[]>;
  summary(runId: string): Promise<RunSummary | undefined>;
  /** A whole run. */
  get(runId: string): Promise<StoredRun | undefined>;
  put(run: StoredRun): Promise<void>;
  /**
   * Changes a run as it is stored; `change` returns the same object where there is nothing to change.
   * @returns the summary of what is stored now; undefined where the run is gone
   */
  update(runId: string, change: (run: StoredRun) => StoredRun): Promise<RunSummary | undefined>;
  remove(runId: string): Promise<void>;
  /** Called with the id of a run that another tab has written or removed. */
  onChange(listener: (runId: string) => void): void;
}

const STORES = ["runs", "summaries"] as const;

/** What comes out of the stores was put there by this class or by earlier versions. */
export class DatabaseRuns implements RunArchive {
  readonly #database: LabDatabase;
  readonly #channel: ChangeChannel;

  constructor(database: LabDatabase, channel: ChangeChannel) {
    this.#database = database;
    this.#channel = channel;
  }

  async summaries(): Promise<readonly RunSummary[]> {
    const { runIds, stored } = await this.#database.run(async (connection) => {
      const reading = connection.transaction(STORES);
      const [keys, all] = await Promise.all([
        reading.objectStore("runs").getAllKeys(),
        reading.objectStore("summaries").getAll(),
      ]);
      return { runIds: keys.map(String), stored: all as readonly RunSummary[] };
    });
    const known = new Map(stored.filter(isCurrent).map((summary) => [summary.runId, summary]));
    const summaries: RunSummary[] = [];
    for (const runId of runIds) {
      // One whole run in memory at a time.
      const summary = known.get(runId) ?? (await this.#summarize(runId));
      if (summary !== undefined) summaries.push(summary);
    }
    return summaries;
  }

  async summary(runId: string): Promise<RunSummary | undefined> {
    const stored: unknown = await this.#database.run((connection) => connection.get("summaries", runId));
    const summary = stored as RunSummary | undefined;
    return summary !== undefined && isCurrent(summary) ? summary : this.#summarize(runId);
  }

  async get(runId: string): Promise<StoredRun | undefined> {
    const run: unknown = await this.#database.run((connection) => connection.get("runs", runId));
    return run as StoredRun | undefined;
  }

  async put(run: StoredRun): Promise<void> {
    await this.#database.run((connection) => write(connection, run, toSummary(run)));
    this.#channel.announce("runs", run.runId);
  }

  async update(runId: string, change: (run: StoredRun) => StoredRun): Promise<RunSummary | undefined> {
    const { summary, isChanged } = await this.#database.run(async (connection) => {
      const writing = connection.transaction(STORES, "readwrite");
      const runs = writing.objectStore("runs");
      const before = (await runs.get(runId)) as StoredRun | undefined;
      const after = before === undefined ? undefined : change(before);
      const isChanged = after !== undefined && after !== before;
      const summary = after === undefined ? undefined : toSummary(after);
      await Promise.all([
        ...(isChanged ? [runs.put(after), writing.objectStore("summaries").put(summary)] : []),
        writing.done,
      ]);
      return { summary, isChanged };
    });
    if (isChanged) this.#channel.announce("runs", runId);
    return summary;
  }

  async remove(runId: string): Promise<void> {
    await this.#database.run(async (connection) => {
      const removing = connection.transaction(STORES, "readwrite");
      await Promise.all([...STORES.map((name) => removing.objectStore(name).delete(runId)), removing.done]);
    });
    this.#channel.announce("runs", runId);
  }

  onChange(listener: (runId: string) => void): void {
    this.#channel.listen("runs", listener);
  }

  /** Makes the summary of a run and stores it, if there is room. @returns undefined where there is no such run */
  async #summarize(runId: string): Promise<RunSummary | undefined> {
    const run = await this.get(runId);
    if (run === undefined) return undefined;
    const summary = toSummary(run);
    await this.#database.run((connection) => addSummary(connection, summary)).catch(() => undefined);
    return summary;
  }
}

function isCurrent({ form }: RunSummary): boolean {
  return form === SUMMARY_FORM;
}

async function write(connection: IDBPDatabase, run: StoredRun, summary: RunSummary): Promise<void> {
  const writing = connection.transaction(STORES, "readwrite");
  await Promise.all([
    writing.objectStore("runs").put(run),
    writing.objectStore("summaries").put(summary),
    writing.done,
  ]);
}

/** Another tab may have changed or removed the run meanwhile: its summary is then not this one. */
async function addSummary(connection: IDBPDatabase, summary: RunSummary): Promise<void> {
  const { runId } = summary;
  const writing = connection.transaction(STORES, "readwrite");
  const [key, stored] = await Promise.all([
    writing.objectStore("runs").getKey(runId),
    writing.objectStore("summaries").get(runId) as Promise<RunSummary | undefined>,
  ]);
  const isMissing = key !== undefined && (stored === undefined || !isCurrent(stored));
  await Promise.all([isMissing ? writing.objectStore("summaries").put(summary) : undefined, writing.done]);
}
