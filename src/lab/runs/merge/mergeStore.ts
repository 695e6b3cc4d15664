/** @file The merged model that is being written, or the last one. One at a time. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { MergeReport } from "../../../weights/mergeModel.ts";
import type { MergeEvent } from "../../worker/protocol/merge.ts";

export type MergeState =
  | { readonly kind: "idle" }
  | {
      readonly kind: "writing";
      readonly id: string;
      readonly adapterId: string;
      /** Where to, in words. */
      readonly location: string;
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly kind: "done";
      readonly adapterId: string;
      readonly location: string;
      readonly report: MergeReport;
      readonly archive: File | null;
    }
  | { readonly kind: "failed"; readonly adapterId: string; readonly failure: RunFailure };

export type MergeStore = StoreApi<MergeState>;

export function createMergeStore(): MergeStore {
  return createStore<MergeState>()(() => ({ kind: "idle" }));
}

/** The state after an event; events of an earlier merge change nothing. */
export function afterMerge(state: MergeState, event: MergeEvent): MergeState {
  if (state.kind !== "writing" || state.id !== event.mergeId) return state;
  const { adapterId, location } = state;
  switch (event.type) {
    case "merge_progress":
      return { ...state, done: event.done, total: event.total };
    case "merge_done":
      return { kind: "done", adapterId, location, report: event.report, archive: event.archive };
    case "merge_failed":
      return event.failure === null ? { kind: "idle" } : { kind: "failed", adapterId, failure: event.failure };
  }
}
