/** @file The unfinished runs of this browser, and what is stored of the one that this tab runs. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { SnapshotInfo } from "./snapshots.ts";
import type { UnfinishedRun } from "./unfinishedRun.ts";

export interface UnfinishedEntry {
  readonly run: UnfinishedRun;
  /** What it resumes from; null: it restarts. */
  readonly snapshot: SnapshotInfo | null;
  readonly status: "interrupted" | "elsewhere";
}

/** How far a snapshot reaches. */
export type SnapshotPoint = Pick<SnapshotInfo, "step" | "stage">;

/** The snapshot of the newest run of this tab. */
export type SavedState =
  | { readonly kind: "none" }
  | { readonly kind: "saved"; readonly point: SnapshotPoint; readonly at: number }
  /** The last one could not be written; the one before it, if any, is still there. */
  | { readonly kind: "failed"; readonly why: string; readonly point: SnapshotPoint | null };

/** Whether the snapshot is that of so many steps: then nothing is lost when the page closes. */
export function isSavedAt(saved: SavedState, step: number): boolean {
  return saved.kind === "saved" && saved.point.stage === "training" && saved.point.step === step;
}

export interface RecoveryState {
  /** Without the run of this tab; the one that was seen last first. */
  readonly entries: readonly UnfinishedEntry[];
  /** When the entries were read last. */
  readonly readAt: number;
  readonly saved: SavedState;
  /** All snapshots that are stored, that of this tab's run included. */
  readonly snapshots: readonly SnapshotInfo[];
  /** Names of the files that were chosen in this tab. */
  readonly files: ReadonlySet<string>;
  /** Why nothing outlives this tab; null while it does. */
  readonly storageProblem: string | null;
  /** Why the screen may turn off during the run; null while it stays on, or nothing runs. */
  readonly wakeLockProblem: string | null;
}

export type RecoveryStore = StoreApi<RecoveryState>;

export function createRecoveryStore(): RecoveryStore {
  return createStore<RecoveryState>()(() => ({
    entries: [],
    readAt: 0,
    saved: { kind: "none" },
    snapshots: [],
    files: new Set(),
    storageProblem: null,
    wakeLockProblem: null,
  }));
}
