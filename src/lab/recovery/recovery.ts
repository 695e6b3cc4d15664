/**
 * @file No run is lost: the unfinished runs of this browser, and what is kept of the one that this tab runs.
 *
 *     record (IndexedDB)   checkpoint (OPFS)   lock            means
 *     there                perhaps             this tab's      the run under way here
 *     there                perhaps             another tab's   under way elsewhere; seen again once that tab lets go
 *     there                perhaps             nobody's        interrupted: it can go on, or be discarded
 *     -                    there               nobody's        left behind by a crash between two removals: swept
 *
 * Changes are made one after the other; other tabs hear of them. No React.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import { answered } from "../../weights/cache/patience.ts";
import type { Snapshots, SnapshotInfo } from "./snapshots.ts";
import type { Left } from "./ending.ts";
import { storageReason } from "./reason.ts";
import type { RunLocks, TabChannel } from "./runLocks.ts";
import type { UnfinishedArchive, UnfinishedRun } from "./unfinishedDb.ts";

export interface UnfinishedEntry {
  readonly run: UnfinishedRun;
  /** What it goes on from; null: it begins again. */
  readonly snapshot: SnapshotInfo | null;
  readonly status: "interrupted" | "elsewhere";
}

type Point = Pick<SnapshotInfo, "step" | "stage">;

/** The checkpoint of the newest run of this tab. */
export type SavedState =
  | { readonly kind: "none" }
  | { readonly kind: "kept"; readonly point: Point; readonly at: number }
  /** The last one could not be written; the one before it, if any, is still there. */
  | { readonly kind: "failed"; readonly why: string; readonly point: Point | null };

/** Whether the checkpoint is that of so many steps: then nothing is lost when the page closes. */
export function isSavedAt(saved: SavedState, step: number): boolean {
  return saved.kind === "kept" && saved.point.stage === "training" && saved.point.step === step;
}

export interface RecoveryState {
  /** Without the run of this tab; the one that was seen last first. */
  readonly entries: readonly UnfinishedEntry[];
  /** When they were read last. */
  readonly readAt: number;
  readonly saved: SavedState;
  /** What the checkpoints take, those of this tab's run included. */
  readonly snapshots: readonly SnapshotInfo[];
  /** Names of the files that were chosen in this tab. */
  readonly files: ReadonlySet<string>;
  /** Why nothing is kept beyond this tab; null while it is. */
  readonly storageProblem: string | null;
  /** Why the screen may turn off during the run; null while it stays on, or nothing runs. */
  readonly wakeLockProblem: string | null;
}

export interface RecoveryOptions {
  readonly archive: UnfinishedArchive;
  readonly snapshots: () => Promise<Snapshots>;
  readonly locks: RunLocks;
  readonly channel: TabChannel;
}

interface KeepOptions extends RecoveryOptions {
  readonly now: () => number;
}

/** How the run of this tab ended: for good, or so that it can go on. */
export type RunEnding =
  | { readonly kind: "done" }
  | { readonly kind: "interrupted"; readonly failure: RunFailure | null };

interface Own {
  readonly run: UnfinishedRun;
  /** It went on from an earlier visit. */
  readonly resumed: boolean;
  readonly release: () => void;
  readonly writtenAt: number;
}

/** How far the run is gets written at most so often. */
const PROGRESS_MS = 1000;

export class Recovery {
  readonly store: StoreApi<RecoveryState>;
  readonly #parts: KeepOptions;
  readonly #watched = new Set<string>();
  /** Runs of this tab by id: the one under way, and those whose ends are being written. */
  readonly #own = new Map<string, Own>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: KeepOptions) {
    this.#parts = parts;
    this.store = createStore<RecoveryState>()(() => ({
      entries: [],
      readAt: 0,
      saved: { kind: "none" },
      snapshots: [],
      files: new Set(),
      storageProblem: null,
      wakeLockProblem: null,
    }));
  }

  /** What an earlier visit or another tab left; from then on what other tabs change is followed. */
  async load(): Promise<void> {
    await this.#inTurn(() => this.#sweep());
    await this.refresh();
    this.#parts.channel.listen(() => void this.refresh());
  }

  refresh(): Promise<void> {
    return this.#inTurn(() => this.#read());
  }

  /** A file was chosen in this tab. */
  attached(name: string): void {
    this.store.setState(({ files }) => ({ files: new Set([...files, name]) }));
  }

  entry(runId: string): UnfinishedEntry | undefined {
    return this.store.getState().entries.find(({ run }) => run.runId === runId);
  }

  /** This tab begins a run. */
  begin(run: Pick<UnfinishedRun, "runId" | "spec" | "startedAt" | "reuse" | "token">): void {
    const { runId } = run;
    this.#adopt(
      { version: 1, ...run, seenAt: this.#parts.now(), steps: 0, totalSteps: null, failure: null },
      false,
      () => undefined,
    );
    void this.#inTurn(async () => {
      const release = await this.#parts.locks.hold(runId);
      const own = this.#own.get(runId);
      if (release === null || own === undefined) return;
      this.#own.set(runId, { ...own, release });
      await this.#parts.archive.put(own.run);
      this.#parts.channel.tell();
    });
  }

  /** This tab goes on with an interrupted run. @returns false where another tab has it, or it has ended meanwhile */
  async takeOver(runId: string): Promise<boolean> {
    let taken = false;
    await this.#inTurn(async () => {
      const { archive, locks, channel } = this.#parts;
      const release = await locks.hold(runId);
      try {
        const record = release === null ? undefined : (await archive.all()).find((run) => run.runId === runId);
        if (release !== null && record !== undefined) {
          const run = { ...record, failure: null, seenAt: this.#parts.now() };
          const checkpoint = this.entry(runId)?.snapshot ?? null;
          this.#adopt(run, true, release);
          if (checkpoint !== null)
            this.store.setState({
              saved: { kind: "kept", point: { step: checkpoint.step, stage: checkpoint.stage }, at: record.seenAt },
            });
          taken = true;
          await archive.put(run);
          channel.tell();
        }
      } finally {
        if (!taken) release?.();
      }
      await this.#read();
    });
    return taken;
  }

  /** How far a run of this tab is. */
  progress(runId: string, steps: number, totalSteps: number | null): void {
    const own = this.#own.get(runId);
    if (own === undefined) return;
    const now = this.#parts.now();
    const due = now - own.writtenAt >= PROGRESS_MS;
    this.#own.set(runId, {
      ...own,
      run: { ...own.run, steps, totalSteps, seenAt: now },
      ...(due ? { writtenAt: now } : {}),
    });
    if (due) this.#write(runId);
  }

  saved(runId: string, { step, stage }: Point): void {
    this.store.setState({ saved: { kind: "kept", point: { step, stage }, at: this.#parts.now() } });
    this.#write(runId);
  }

  notSaved(why: string): void {
    this.store.setState(({ saved }) => ({
      saved: { kind: "failed", why, point: saved.kind === "none" ? null : saved.point },
    }));
  }

  /** What the newest run of this tab could go on from, should it end now. */
  left(runId: string): Left {
    const { saved } = this.store.getState();
    return {
      checkpoint: saved.kind === "kept" || (saved.kind === "failed" && saved.point !== null),
      resumed: this.#own.get(runId)?.resumed ?? false,
    };
  }

  /** A run of this tab has ended; what it leaves is kept or removed. */
  async ended(runId: string, ending: RunEnding): Promise<void> {
    await this.#inTurn(async () => {
      const own = this.#own.get(runId);
      if (own === undefined) return;
      const { archive, now } = this.#parts;
      try {
        if (ending.kind === "done") await this.#remove(runId);
        else await archive.put({ ...own.run, failure: ending.failure, seenAt: now() });
      } finally {
        own.release();
        this.#own.delete(runId);
        if (this.#own.size === 0) this.store.setState({ saved: { kind: "none" } });
        this.#parts.channel.tell();
      }
      await this.#read();
    });
  }

  /** Removes interrupted runs with their checkpoints; runs that a tab holds stay. */
  async discard(...runIds: readonly string[]): Promise<void> {
    await this.#inTurn(async () => {
      for (const runId of runIds) {
        const release = await this.#parts.locks.hold(runId);
        if (release === null) continue;
        try {
          await this.#remove(runId);
        } finally {
          release();
        }
      }
      this.#parts.channel.tell();
      await this.#read();
    });
  }

  #adopt(run: UnfinishedRun, resumed: boolean, release: () => void): void {
    this.#own.set(run.runId, { run, resumed, release, writtenAt: this.#parts.now() });
    this.store.setState(({ entries }) => ({
      saved: { kind: "none" },
      entries: entries.filter((entry) => entry.run.runId !== run.runId),
    }));
  }

  /** The record of a run of this tab, as it is when its turn comes. */
  #write(runId: string): void {
    void this.#inTurn(async () => {
      const own = this.#own.get(runId);
      if (own === undefined) return;
      await this.#parts.archive.put(own.run);
      this.#parts.channel.tell();
    });
  }

  /** The record first: a checkpoint without one is swept, a record without one would be offered again. */
  async #remove(runId: string): Promise<void> {
    await this.#parts.archive.remove(runId);
    await (await this.#parts.snapshots()).remove(runId);
  }

  async #read(): Promise<void> {
    const { archive, locks } = this.#parts;
    // Without a storage for checkpoints runs are offered all the same: they begin again.
    const snapshots = await this.#list();
    const records = (await archive.all()).filter(({ version, runId }) => version === 1 && !this.#own.has(runId));
    const held = await locks.held();
    const entries = records
      .map(
        (run): UnfinishedEntry => ({
          run,
          snapshot: snapshots.find(({ runId }) => runId === run.runId) ?? null,
          status: held.has(run.runId) ? "elsewhere" : "interrupted",
        }),
      )
      .sort((a, b) => b.run.seenAt - a.run.seenAt);
    this.store.setState({ entries, snapshots, readAt: this.#parts.now() });
    for (const { run, status } of entries) if (status === "elsewhere") this.#watch(run.runId);
  }

  async #list(): Promise<readonly SnapshotInfo[]> {
    try {
      return await (await this.#parts.snapshots()).list();
    } catch {
      return [];
    }
  }

  /** Looks again once the tab that runs it lets go. */
  #watch(runId: string): void {
    if (this.#watched.has(runId)) return;
    this.#watched.add(runId);
    void this.#parts.locks.whenFree(runId).then(
      () => {
        this.#watched.delete(runId);
        return this.refresh();
      },
      () => undefined,
    );
  }

  /** Checkpoints whose records are gone. Folders are listed first: a run takes its lock before it makes one. */
  async #sweep(): Promise<void> {
    const checkpoints = await this.#parts.snapshots().catch(() => null);
    if (checkpoints === null) return;
    const folders = await checkpoints.folders();
    const known = new Set((await this.#parts.archive.all()).map(({ runId }) => runId));
    const held = await this.#parts.locks.held();
    for (const runId of folders) if (!known.has(runId) && !held.has(runId)) await checkpoints.remove(runId);
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(() => answered(work()));
    this.#last = mine.catch(() => undefined);
    try {
      await mine;
      if (this.store.getState().storageProblem !== null) this.store.setState({ storageProblem: null });
    } catch (error) {
      this.store.setState({ storageProblem: storageReason(error) });
    }
  }
}
