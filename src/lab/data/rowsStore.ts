/** @file The training rows as the data area shows them: counts over all, tokens of one page. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { DataSummary, RowFilter, RowPreview } from "../worker/protocol/rows.ts";

export const PAGE_SIZE = 25;

export interface ShownRows {
  readonly kind: "ready";
  /** Names the data that the rows belong to. */
  readonly key: string;
  readonly summary: DataSummary;
  readonly page: readonly RowPreview[];
  readonly filter: RowFilter;
  readonly offset: number;
}

export interface FailedRows {
  readonly kind: "failed";
  readonly key: string;
  readonly failure: RunFailure;
  /** Names of the columns, so that they can be mapped; null where not even they can be read. */
  readonly columns: readonly string[] | null;
}

export type RowsState =
  | { readonly kind: "empty" }
  | {
      readonly kind: "loading";
      readonly key: string;
      readonly filter: RowFilter;
      readonly offset: number;
      readonly before: ShownRows | FailedRows | null;
    }
  | ShownRows
  | FailedRows;

export type RowsStore = StoreApi<RowsState>;

export function createRowsStore(): RowsStore {
  return createStore<RowsState>()(() => ({ kind: "empty" }));
}

/** What is on screen: the rows or why there are none, or the earlier ones while others load. */
export function shownRows(state: RowsState): ShownRows | FailedRows | null {
  switch (state.kind) {
    case "empty":
      return null;
    case "loading":
      return state.before;
    default:
      return state;
  }
}
