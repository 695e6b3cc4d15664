/**
 * @file The one IndexedDB database of the lab: what it holds, and how it is opened.
 *
 *     page, GPU worker ──▸ LabDatabase.run(work) ──▸ one connection, opened at the first use
 *                                                     │ opening failed              the next use tries again
 *                                                     │ another tab wants to change it   closed, opened anew when used
 *                                                     └ the browser ended it        likewise
 *
 * Its name holds the path of the site, so that two copies of Basin below one origin do not share a history. What the
 * databases of earlier versions hold is copied at the first opening (earlierDatabases.ts).
 */
import { openDB, type IDBPDatabase } from "idb";
import { importEarlier } from "./earlierDatabases.ts";
import { KEY_PATHS } from "./records.ts";

/** 2: summaries of runs. */
const VERSION = 2;

/** @param home address of the folder that the page is served from */
export function databaseName(home: string): string {
  return `basin ${new URL(home).pathname}`;
}

export class LabDatabase {
  readonly name: string;
  #opened: Promise<IDBPDatabase> | null = null;

  /** @param home address of the folder that the page is served from */
  constructor(home: string) {
    this.name = databaseName(home);
  }

  /** @param work one transaction: it is repeated where the connection was closed before it began */
  async run<T>(work: (connection: IDBPDatabase) => Promise<T>): Promise<T> {
    const opened = this.#connection();
    const connection = await opened;
    try {
      return await work(connection);
    } catch (error) {
      const wasClosed = this.#opened !== opened && error instanceof DOMException && error.name === "InvalidStateError";
      if (!wasClosed) throw error;
      return work(await this.#connection());
    }
  }

  /** Ends the connection; the next use opens another. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    (await opened?.catch(() => null))?.close();
  }

  #connection(): Promise<IDBPDatabase> {
    if (this.#opened !== null) return this.#opened;
    const opened: Promise<IDBPDatabase> = this.#open(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    this.#opened = opened;
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    return opened;
  }

  async #open(onEnd: () => void): Promise<IDBPDatabase> {
    const connection = await openDB(this.name, VERSION, {
      upgrade(database, _oldVersion, _newVersion, transaction) {
        // Where the browser aborts it, the opening fails: that is where it is heard of.
        transaction.done.catch(() => undefined);
        for (const [name, keyPath] of Object.entries(KEY_PATHS))
          if (!database.objectStoreNames.contains(name)) database.createObjectStore(name, { keyPath });
      },
      blocking(_current, _blocked, event) {
        onEnd();
        (event.target as IDBDatabase).close();
      },
      terminated: onEnd,
    });
    try {
      await importEarlier(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }
}
