/**
 * @file The four databases of earlier versions, whose names did not hold the path of the site: copied once, and removed
 * when the copy is old enough that nobody goes back to such a version.
 *
 *     basin: runs            ─┐
 *     basin-tables: tables,   ├─▸ one transaction of the new database, with a mark that it was done
 *       outcomes              │
 *     basin-unfinished        │
 *     basin-kernels: texts   ─┘
 */
import { deleteDB, openDB, type IDBPDatabase } from "idb";
import type { CellOutcome } from "../../experiment/table/outcome.ts";
import type { UnfinishedRun } from "../recovery/unfinishedRun.ts";
import type { StoredRun } from "../runs/storedRun.ts";
import type { StoredTable } from "../table/storedTable.ts";
import type { ImportMark, KernelText } from "./records.ts";

export const EARLIER_NAMES = ["basin", "basin-tables", "basin-unfinished", "basin-kernels"] as const;

/** After so long the earlier databases are removed. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

interface EarlierRecords {
  readonly runs: readonly StoredRun[];
  readonly tables: readonly StoredTable[];
  readonly outcomes: readonly CellOutcome[];
  readonly unfinished: readonly UnfinishedRun[];
  readonly kernels: readonly KernelText[];
}

/** Copies what earlier versions stored, unless that has been done. */
export async function importEarlier(connection: IDBPDatabase, now: number = Date.now()): Promise<void> {
  const mark = (await connection.get("marks", "imported")) as ImportMark | undefined;
  if (mark !== undefined) {
    if (now - mark.at > KEPT_MS) await Promise.all(EARLIER_NAMES.map((name) => remove(name)));
    return;
  }
  const records = await readEarlier();
  const writing = connection.transaction(["runs", "tables", "outcomes", "unfinished", "kernels", "marks"], "readwrite");
  // Another tab may have been faster, and the user may have deleted something since.
  const isDone = (await writing.objectStore("marks").get("imported")) !== undefined;
  const puts = isDone
    ? []
    : [
        ...records.runs.map((run) => writing.objectStore("runs").put(run)),
        ...records.tables.map((table) => writing.objectStore("tables").put(table)),
        ...records.outcomes.map((outcome) => writing.objectStore("outcomes").put(outcome)),
        ...records.unfinished.map((run) => writing.objectStore("unfinished").put(run)),
        ...records.kernels.map((text) => writing.objectStore("kernels").put(text)),
        writing.objectStore("marks").put({ id: "imported", at: now } satisfies ImportMark),
      ];
  await Promise.all([...puts, writing.done]);
}

async function readEarlier(): Promise<EarlierRecords> {
  const [runs, tables, unfinished, kernels] = await Promise.all([
    read("basin", async (database) => (await database.getAll("runs")) as StoredRun[]),
    read("basin-tables", async (database) => ({
      tables: (await database.getAll("tables")) as StoredTable[],
      outcomes: (await database.getAll("outcomes")) as CellOutcome[],
    })),
    read("basin-unfinished", async (database) => (await database.getAll("unfinished")) as UnfinishedRun[]),
    read("basin-kernels", async (database) => {
      const [names, texts] = await Promise.all([database.getAllKeys("texts"), database.getAll("texts")]);
      return names.map((name, i): KernelText => ({ name: String(name), text: String(texts[i]) }));
    }),
  ]);
  return {
    runs: runs ?? [],
    tables: tables?.tables ?? [],
    outcomes: tables?.outcomes ?? [],
    unfinished: unfinished ?? [],
    kernels: kernels ?? [],
  };
}

/** What `work` reads of a database; null where there is none. */
async function read<T>(name: string, work: (database: IDBPDatabase) => Promise<T>): Promise<T | null> {
  let isNew = false;
  try {
    const database = await openDB(name, undefined, {
      upgrade(_database, _oldVersion, _newVersion, transaction) {
        // Nothing was there: opening must not leave an empty database behind.
        isNew = true;
        transaction.done.catch(() => undefined);
        transaction.abort();
      },
    });
    try {
      return await work(database);
    } finally {
      database.close();
    }
  } catch (error) {
    if (isNew) return null;
    throw error;
  }
}

/** Does not wait for tabs of an earlier version: the browser removes it when they are closed. */
function remove(name: string): Promise<void> {
  return new Promise((resolve) => {
    deleteDB(name, { blocked: () => resolve() }).then(resolve, () => resolve());
  });
}
