/**
 * @file The table of this browser in IndexedDB: the document with its failures, and the outcome of every run by key.
 *
 * It has its own database: outcomes stay when the table changes, and a saved run that matches a cell counts for it.
 */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { CellOutcome } from "../../experiment/table/outcome.ts";
import type { JsonObject } from "../support/json.ts";

export interface StoredTable {
  readonly id: "current";
  readonly input: JsonObject;
  readonly failures: readonly { readonly key: string; readonly failure: RunFailure; readonly run: string }[];
}

interface Schema extends DBSchema {
  tables: { key: string; value: StoredTable };
  outcomes: { key: string; value: CellOutcome };
}

/** Storage for the table; tests use maps. */
export interface TableArchive {
  table(): Promise<StoredTable | null>;
  putTable(table: StoredTable): Promise<void>;
  outcomes(): Promise<readonly CellOutcome[]>;
  /** Replaces an earlier outcome with the same key. */
  putOutcome(outcome: CellOutcome): Promise<void>;
}

export function openTableArchive(name = "basin-tables"): TableArchive {
  let opened: Promise<IDBPDatabase<Schema>> | null = null;
  const database = (): Promise<IDBPDatabase<Schema>> => {
    opened ??= openDB<Schema>(name, 1, {
      upgrade(db) {
        db.createObjectStore("tables", { keyPath: "id" });
        db.createObjectStore("outcomes", { keyPath: "key" });
      },
    });
    return opened;
  };
  return {
    table: async () => (await (await database()).get("tables", "current")) ?? null,
    putTable: async (table) => {
      await (await database()).put("tables", table);
    },
    outcomes: async () => (await database()).getAll("outcomes"),
    putOutcome: async (outcome) => {
      await (await database()).put("outcomes", outcome);
    },
  };
}
