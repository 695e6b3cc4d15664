/** @file The history of runs and which of them are laid over each other. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import { withOverride } from "./answers/answerList.ts";
import type { EvaluationMoment } from "../worker/protocol/run.ts";
import type { RunArchive } from "./runsDb.ts";
import {
  ALL_RUNS,
  MAX_NOTE_LENGTH,
  NEWEST_FIRST,
  nextSort,
  cleanTags,
  type RunFilter,
  type RunSort,
} from "./runList.ts";
import type { SortColumn } from "./columns.ts";
import type { StoredRun } from "./storedRun.ts";
import type { CurveName } from "./columns.ts";

export type ArchiveState =
  | { readonly kind: "loading" }
  | { readonly kind: "ready" }
  /** Runs are then kept in memory only. */
  | { readonly kind: "unavailable"; readonly failure: RunFailure };

export interface RunsState {
  readonly archive: ArchiveState;
  /** Newest first. */
  readonly runs: readonly StoredRun[];
  readonly selected: ReadonlySet<string>;
  readonly curve: CurveName;
  /** The run that was deleted last; null once it is back, or none was. */
  readonly removed: StoredRun | null;
  readonly sort: RunSort;
  readonly filter: RunFilter;
  readonly load: () => Promise<void>;
  readonly add: (run: StoredRun) => Promise<void>;
  /** Deletes it; `restore` brings the last one back until another is deleted or the page closes. */
  readonly remove: (runId: string) => Promise<void>;
  readonly restore: () => Promise<void>;
  readonly annotate: (
    runId: string,
    words: { readonly tags?: readonly string[]; readonly note?: string },
  ) => Promise<void>;
  readonly sortBy: (column: SortColumn) => void;
  readonly setFilter: (filter: Partial<RunFilter>) => void;
  /** A person's word on one answer of a run; null takes it back. */
  readonly override: (runId: string, when: EvaluationMoment, index: number, harmful: boolean | null) => Promise<void>;
  readonly toggleSelected: (runId: string) => void;
  readonly setCurve: (curve: CurveName) => void;
}

export type RunsStore = StoreApi<RunsState>;

/** Curves that can be told apart on one chart. */
export const MAX_SELECTED = 6;

/** The newest runs whose curves are shown when the page opens. */
const SELECTED_AT_FIRST = 4;

export function createRunsStore(archive: RunArchive, describeError: (error: unknown) => RunFailure): RunsStore {
  return createStore<RunsState>()((set, get) => {
    const guard = async (work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        set({ archive: { kind: "unavailable", failure: describeError(error) } });
      }
    };
    return {
      archive: { kind: "loading" },
      runs: [],
      selected: new Set(),
      curve: "ce",
      removed: null,
      sort: NEWEST_FIRST,
      filter: ALL_RUNS,
      load: () =>
        guard(async () => {
          const stored = await archive.all();
          const known = new Set(stored.map(({ runId }) => runId));
          // A run that ended while the archive was opening is already in the list.
          const runs = [...get().runs.filter(({ runId }) => !known.has(runId)), ...stored];
          const selected =
            get().selected.size > 0
              ? get().selected
              : new Set(runs.slice(0, SELECTED_AT_FIRST).map(({ runId }) => runId));
          set({ archive: { kind: "ready" }, runs, selected });
        }),
      add: async (run) => {
        const others = get().runs.filter(({ runId }) => runId !== run.runId);
        const selected = get().selected.size < MAX_SELECTED ? new Set([...get().selected, run.runId]) : get().selected;
        set({ runs: [run, ...others], selected });
        await guard(() => archive.put(run));
      },
      remove: async (runId) => {
        const removed = get().runs.find((run) => run.runId === runId) ?? null;
        set({
          removed,
          runs: get().runs.filter((run) => run.runId !== runId),
          selected: new Set([...get().selected].filter((id) => id !== runId)),
        });
        await guard(() => archive.remove(runId));
      },
      restore: async () => {
        const { removed, runs } = get();
        if (removed === null) return;
        // Back to where it stood: newest first.
        const newer = runs.filter(({ endedAt }) => endedAt > removed.endedAt);
        set({ removed: null, runs: [...newer, removed, ...runs.slice(newer.length)] });
        await guard(() => archive.put(removed));
      },
      annotate: async (runId, { tags, note }) => {
        const run = get().runs.find((one) => one.runId === runId);
        if (run === undefined) return;
        const changed = {
          ...run,
          ...(tags === undefined ? {} : { tags: cleanTags(tags) }),
          ...(note === undefined ? {} : { note: note.trim().slice(0, MAX_NOTE_LENGTH) }),
        };
        set({ runs: get().runs.map((one) => (one === run ? changed : one)) });
        await guard(() => archive.put(changed));
      },
      sortBy: (column) => set({ sort: nextSort(get().sort, column) }),
      setFilter: (filter) => set({ filter: { ...get().filter, ...filter } }),
      override: async (runId, when, index, harmful) => {
        const run = get().runs.find((one) => one.runId === runId);
        const answers = run?.answers?.find((one) => one.when === when);
        if (run === undefined || answers === undefined) return;
        const changed = { ...run, overrides: withOverride(run.overrides ?? {}, answers, index, harmful) };
        set({ runs: get().runs.map((one) => (one === run ? changed : one)) });
        await guard(() => archive.put(changed));
      },
      toggleSelected: (runId) => {
        const selected = new Set(get().selected);
        if (!selected.delete(runId) && selected.size < MAX_SELECTED) selected.add(runId);
        set({ selected });
      },
      setCurve: (curve) => set({ curve }),
    };
  });
}
