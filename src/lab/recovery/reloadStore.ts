/** @file When the page may be reloaded for a new version of its site: what a run under way allows. */
import { createStore, type StoreApi } from "zustand/vanilla";
import { canPause, isActive, type RunState } from "../run/runState.ts";
import type { QueueState } from "../table/tableStore.ts";
import { isSavedAt, type SavedState } from "./recoveryStore.ts";

/** A reload that pauses and saves the run first. */
export type ReloadState =
  | { readonly kind: "idle" }
  /** The run takes its last step before the pause, and is saved. */
  | { readonly kind: "pausing" }
  | { readonly kind: "reloading" }
  /** The run could not be saved, and continues. */
  | { readonly kind: "failed"; readonly why: string };

export type ReloadStore = StoreApi<ReloadState>;

export function createReloadStore(): ReloadStore {
  return createStore<ReloadState>()(() => ({ kind: "idle" }));
}

export type ReloadOffer =
  /** Nothing runs. */
  | { readonly kind: "now" }
  /** The run is paused and saved: it can be resumed after the reload. */
  | { readonly kind: "paused" }
  /** The run can be paused, saved, and resumed after the reload, as one action. */
  | { readonly kind: "pause_first" }
  | { readonly kind: "later"; readonly why: "other_version" | "no_snapshots" | "ending" | "queue" };

export interface ReloadSituation {
  readonly run: RunState;
  readonly saved: SavedState;
  readonly queue: QueueState["kind"];
  /** The new files are of the same version of Basin: another one refuses snapshots, as it may compute differently. */
  readonly sameBasin: boolean;
}

export function reloadOffer({ run, saved, queue, sameBasin }: ReloadSituation): ReloadOffer {
  if (!isActive(run)) return queue === "running" ? { kind: "later", why: "queue" } : { kind: "now" };
  if (!sameBasin) return { kind: "later", why: "other_version" };
  if (run.kind === "paused" && isSavedAt(saved, run.step)) return { kind: "paused" };
  if (run.log.spec.train.save_steps === 0 || saved.kind === "failed") return { kind: "later", why: "no_snapshots" };
  return run.kind === "paused" || (canPause(run) && !isEnding(run.pendingCommand))
    ? { kind: "pause_first" }
    : { kind: "later", why: "ending" };
}

function isEnding(pending: Extract<RunState, { pendingCommand: unknown }>["pendingCommand"]): boolean {
  return pending === "stop" || pending === "discard";
}
