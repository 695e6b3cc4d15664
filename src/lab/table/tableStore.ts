/** @file The table of the lab as the page shows it: the document, the state of each cell, the queue. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Cell } from "../../experiment/table/expand.ts";
import type { CellState, TableReport } from "../../experiment/table/report.ts";
import type { TableSpec } from "../../experiment/table/tableSpec.ts";
import type { JsonObject } from "../support/json.ts";

/** What the document means. */
export type TablePlan =
  | { readonly kind: "none" }
  | { readonly kind: "invalid"; readonly failure: RunFailure }
  | {
      readonly kind: "ready";
      readonly table: TableSpec;
      readonly cells: readonly Cell[];
      readonly states: ReadonlyMap<string, CellState>;
      readonly report: TableReport;
    };

export type QueueState =
  | { readonly kind: "idle" }
  /** `pausing`: idle after this cell. */
  | { readonly kind: "running"; readonly key: string; readonly runId: string; readonly pausing: boolean }
  /** Another tab runs it: one tab does at a time. */
  | { readonly kind: "elsewhere" };

export interface TableState {
  /** null until there is a table. */
  readonly input: JsonObject | null;
  readonly plan: TablePlan;
  readonly queue: QueueState;
  /** Why the table is not saved in this browser; null if it is. */
  readonly storageProblem: RunFailure | null;
}

export type TableStore = StoreApi<TableState>;

export function createTableStore(): TableStore {
  return createStore<TableState>()(() => ({
    input: null,
    plan: { kind: "none" },
    queue: { kind: "idle" },
    storageProblem: null,
  }));
}
