/** @file What the lab's database holds: the records of each store, and their keys. */
import type { CellOutcome } from "../../experiment/table/outcome.ts";
import type { UnfinishedRun } from "../recovery/unfinishedRun.ts";
import type { RunSummary } from "../runs/runSummary.ts";
import type { StoredRun } from "../runs/storedRun.ts";
import type { StoredTable } from "../table/storedTable.ts";

/** Measured kernels, or a choice about them, by name. */
export interface KernelText {
  readonly name: string;
  readonly text: string;
}

/** What was copied from earlier databases, and when (milliseconds since 1970). */
export interface ImportMark {
  readonly id: "imported";
  readonly at: number;
}

/** The records of each store. */
export interface StoreRecords {
  readonly runs: StoredRun;
  /** Of each run; those of runs that earlier versions stored are made when they are asked for. */
  readonly summaries: RunSummary;
  /** Documents of tables; there is one, with the id "current". */
  readonly tables: StoredTable;
  /** Outcomes outlive a change of the table, and a run of the history that happens to be a cell counts. */
  readonly outcomes: CellOutcome;
  readonly unfinished: UnfinishedRun;
  readonly kernels: KernelText;
  readonly marks: ImportMark;
}

export type StoreName = keyof StoreRecords;

/** The key of each store's records. */
export const KEY_PATHS = {
  runs: "runId",
  summaries: "runId",
  tables: "id",
  outcomes: "key",
  unfinished: "runId",
  kernels: "name",
  marks: "id",
} as const satisfies { readonly [Name in StoreName]: keyof StoreRecords[Name] };
