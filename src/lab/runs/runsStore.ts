/** @file The history of runs as the page shows it: order, filter, and which are laid over each other. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { CurveName, SortColumn } from "./columns.ts";
import { ALL_RUNS, NEWEST_FIRST, nextSort, type RunFilter, type RunSort } from "./runList.ts";
import type { RunSummary } from "./runSummary.ts";
import type { StoredRun } from "./storedRun.ts";

export type ArchiveState =
  | { readonly kind: "loading" }
  | { readonly kind: "ready" }
  /** Runs are then kept in memory only. */
  | { readonly kind: "unavailable"; readonly failure: RunFailure };

export interface RunsState {
  readonly archive: ArchiveState;
  /** Newest first. */
  readonly runs: readonly RunSummary[];
  /** Why runs are in memory only, by run id. */
  readonly unsaved: ReadonlyMap<string, RunFailure>;
  readonly selected: ReadonlySet<string>;
  readonly curve: CurveName;
  /** The run that was deleted last, whole, so that it can be stored again; null once it is back, or none was. */
  readonly removed: StoredRun | null;
  readonly sort: RunSort;
  readonly filter: RunFilter;
  readonly sortBy: (column: SortColumn) => void;
  readonly setFilter: (filter: Partial<RunFilter>) => void;
  readonly toggleSelected: (runId: string) => void;
  readonly setCurve: (curve: CurveName) => void;
}

export type RunsStore = StoreApi<RunsState>;

/** Curves that can be distinguished on one chart. */
export const MAX_SELECTED = 6;

export function createRunsStore(): RunsStore {
  return createStore<RunsState>()((set, get) => ({
    archive: { kind: "loading" },
    runs: [],
    unsaved: new Map(),
    selected: new Set(),
    curve: "ce",
    removed: null,
    sort: NEWEST_FIRST,
    filter: ALL_RUNS,
    sortBy: (column) => set({ sort: nextSort(get().sort, column) }),
    setFilter: (filter) => set({ filter: { ...get().filter, ...filter } }),
    toggleSelected: (runId) => {
      const selected = new Set(get().selected);
      if (!selected.delete(runId) && selected.size < MAX_SELECTED) selected.add(runId);
      set({ selected });
    },
    setCurve: (curve) => set({ curve }),
  }));
}
