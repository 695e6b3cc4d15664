/**
 * @file No run is lost: the unfinished runs of this browser, and what is stored of the one that this tab runs.
 *
 *     record (IndexedDB)   snapshot (OPFS)   lock            means
 *     there                perhaps           this tab's      the run under way here
 *     there                perhaps           another tab's   running elsewhere; looked at again once that tab lets go
 *     there                perhaps           nobody's        interrupted: it can be resumed, or discarded
 *     -                    there             nobody's        its record could not be written: recorded again
 *     any                  any               nobody's        removed, where the history has the run as finished
 *
 * Nothing is removed before what replaces it is stored: the record and the snapshot of a run that has finished stay
 * until the history has it. Changes are made one after the other; other tabs hear of them.
 */
import { BasinError } from "../../base/error.ts";
import { answered } from "../../weights/cache/patience.ts";
import type { Snapshots, SnapshotInfo } from "./snapshots.ts";
import type { Resumability, RunEnding } from "./ending.ts";
import { createRecoveryStore, type RecoveryStore, type SnapshotPoint, type UnfinishedEntry } from "./recoveryStore.ts";
import { storageReason } from "./storageReason.ts";
import type { Collection } from "../storage/collection.ts";
import type { RunArchive } from "../storage/runArchive.ts";
import type { TabLocks } from "../storage/tabLocks.ts";
import { recordOf, type UnfinishedRun } from "./unfinishedRun.ts";

export interface RecoveryOptions {
  readonly unfinished: Collection<UnfinishedRun>;
  /** The history. */
  readonly runs: Pick<RunArchive, "summary">;
  readonly snapshots: () => Promise<Snapshots>;
  /** By run id. */
  readonly runLocks: TabLocks;
  readonly now: () => number;
}

/** A run of this tab. */
interface OwnRun {
  readonly run: UnfinishedRun;
  /** The step of the snapshot from which it was resumed; null where it began in this tab. */
  readonly resumedFrom: number | null;
  /** Lets its lock go. */
  readonly release: () => void;
  readonly writtenAt: number;
}

/** How far the run is gets written at most so often. */
const PROGRESS_MS = 1000;

export class RecoveryController {
  readonly store: RecoveryStore = createRecoveryStore();
  readonly #options: RecoveryOptions;
  readonly #watched = new Set<string>();
  /** Runs of this tab by id: the one under way, and those whose ends are being written. */
  readonly #own = new Map<string, OwnRun>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** What an earlier visit or another tab left; from then on what other tabs change is followed. */
  async load(): Promise<void> {
    await this.#inTurn(() => this.#sweep());
    await this.refresh();
    this.#options.unfinished.onChange(() => void this.refresh());
  }

  refresh(): Promise<void> {
    return this.#inTurn(() => this.#read());
  }

  /** A file was chosen in this tab. */
  onFile(name: string): void {
    this.store.setState(({ files }) => ({ files: new Set([...files, name]) }));
  }

  /** @param why the screen may turn off during the run; null: it stays on */
  onWakeLockProblem(why: string | null): void {
    this.store.setState({ wakeLockProblem: why });
  }

  entry(runId: string): UnfinishedEntry | undefined {
    return this.store.getState().entries.find(({ run }) => run.runId === runId);
  }

  /** This tab begins a run. */
  begin(run: Pick<UnfinishedRun, "runId" | "spec" | "startedAt" | "reuse" | "token">): void {
    const { runId } = run;
    const record = { ...run, seenAt: this.#options.now(), steps: 0, totalSteps: null, failure: null };
    this.#adopt({ run: { version: 1, ...record }, resumedFrom: null, release: () => undefined });
    void this.#inTurn(async () => {
      const release = await this.#options.runLocks.hold(runId);
      const own = this.#own.get(runId);
      if (release === null || own === undefined) return;
      this.#own.set(runId, { ...own, release });
      await this.#options.unfinished.put(own.run);
    });
  }

  /** This tab resumes an interrupted run. @returns false where another tab has it, or it has ended meanwhile */
  async takeOver(runId: string): Promise<boolean> {
    let taken = false;
    await this.#inTurn(async () => {
      const release = await this.#options.runLocks.hold(runId);
      try {
        const record = release === null ? undefined : await this.#options.unfinished.get(runId);
        if (release !== null && record !== undefined) {
          taken = true;
          await this.#resume(record, release);
        }
      } finally {
        if (!taken) release?.();
      }
      await this.#read();
    });
    return taken;
  }

  async #resume(record: UnfinishedRun, release: () => void): Promise<void> {
    const run = { ...record, failure: null, seenAt: this.#options.now() };
    const snapshot = this.entry(run.runId)?.snapshot ?? null;
    const resumedFrom = snapshot?.stage === "training" ? snapshot.step : 0;
    this.#adopt({ run, resumedFrom, release });
    if (snapshot !== null) {
      const { step, stage } = snapshot;
      this.store.setState({ saved: { kind: "saved", point: { step, stage }, at: record.seenAt } });
    }
    await this.#options.unfinished.put(run);
  }

  /** How far a run of this tab is. */
  onProgress(runId: string, steps: number, totalSteps: number | null): void {
    const own = this.#own.get(runId);
    if (own === undefined) return;
    const now = this.#options.now();
    const due = now - own.writtenAt >= PROGRESS_MS;
    // A resumed run reports the steps of its snapshot again.
    const run = { ...own.run, steps: Math.max(steps, own.resumedFrom ?? 0), totalSteps, seenAt: now };
    this.#own.set(runId, { ...own, run, ...(due ? { writtenAt: now } : {}) });
    if (due) this.#write(runId);
  }

  onSnapshot(runId: string, { step, stage }: SnapshotPoint): void {
    this.store.setState({ saved: { kind: "saved", point: { step, stage }, at: this.#options.now() } });
    this.#write(runId);
  }

  onSnapshotFailure(why: string): void {
    this.store.setState(({ saved }) => ({
      saved: { kind: "failed", why, point: saved.kind === "none" ? null : saved.point },
    }));
  }

  /** What the newest run of this tab could be resumed from, should it end now. */
  resumability(runId: string): Omit<Resumability, "cutOff"> {
    const { saved } = this.store.getState();
    return {
      hasSnapshot: saved.kind === "saved" || (saved.kind === "failed" && saved.point !== null),
      wasResumed: (this.#own.get(runId)?.resumedFrom ?? null) !== null,
    };
  }

  /** A run of this tab has ended; what it leaves stays or is removed. */
  async onRunEnd(runId: string, ending: RunEnding): Promise<void> {
    await this.#inTurn(async () => {
      const own = this.#own.get(runId);
      if (own === undefined) return;
      const { unfinished, now } = this.#options;
      try {
        if (ending.kind === "done") await this.#remove(runId);
        else await unfinished.put({ ...own.run, failure: ending.failure, seenAt: now() });
      } finally {
        own.release();
        this.#own.delete(runId);
        if (this.#own.size === 0) this.store.setState({ saved: { kind: "none" } });
      }
      await this.#read();
    });
  }

  /** Removes interrupted runs with their snapshots; runs that a tab holds stay. */
  async discard(...runIds: readonly string[]): Promise<void> {
    await this.#inTurn(async () => {
      for (const runId of runIds) {
        const release = await this.#options.runLocks.hold(runId);
        if (release === null) continue;
        try {
          await this.#remove(runId);
        } finally {
          release();
        }
      }
      await this.#read();
    });
  }

  #adopt(own: Omit<OwnRun, "writtenAt">): void {
    const { runId } = own.run;
    this.#own.set(runId, { ...own, writtenAt: this.#options.now() });
    this.store.setState(({ entries }) => ({
      saved: { kind: "none" },
      entries: entries.filter(({ run }) => run.runId !== runId),
    }));
  }

  /** The record of a run of this tab, as it is when its turn comes. */
  #write(runId: string): void {
    void this.#inTurn(async () => {
      const own = this.#own.get(runId);
      if (own === undefined) return;
      await this.#options.unfinished.put(own.run);
    });
  }

  /** The snapshot first: one without a record would be recorded again. */
  async #remove(runId: string): Promise<void> {
    const snapshots = await this.#options.snapshots().catch(() => null);
    await snapshots?.remove(runId);
    await this.#options.unfinished.remove(runId);
  }

  async #read(): Promise<void> {
    const { unfinished, runLocks } = this.#options;
    // Without a storage for snapshots runs are offered all the same: they restart.
    const stored = await this.#list();
    const records = (await unfinished.all()).filter(({ version, runId }) => version === 1 && !this.#own.has(runId));
    const known = new Set([...records.map(({ runId }) => runId), ...this.#own.keys()]);
    // A folder of an earlier version may hold those of another site, too.
    const snapshots = stored.filter(({ runId }) => known.has(runId));
    const held = await runLocks.held();
    const entries = records
      .map(
        (run): UnfinishedEntry => ({
          run,
          snapshot: snapshots.find(({ runId }) => runId === run.runId) ?? null,
          status: held.has(run.runId) ? "elsewhere" : "interrupted",
        }),
      )
      .sort((a, b) => b.run.seenAt - a.run.seenAt);
    this.store.setState({ entries, snapshots, readAt: this.#options.now() });
    for (const { run, status } of entries) if (status === "elsewhere") this.#watch(run.runId);
  }

  async #list(): Promise<readonly SnapshotInfo[]> {
    try {
      return await (await this.#options.snapshots()).list();
    } catch {
      return [];
    }
  }

  /** Looks again once the tab that runs it lets go. */
  #watch(runId: string): void {
    if (this.#watched.has(runId)) return;
    this.#watched.add(runId);
    void this.#options.runLocks.whenFree(runId).then(
      () => {
        this.#watched.delete(runId);
        return this.refresh();
      },
      () => undefined,
    );
  }

  /**
   * Puts in order what a crash or a storage that was full has left. Folders are listed first: a run takes its lock
   * before it makes one.
   */
  async #sweep(): Promise<void> {
    const { unfinished, runLocks } = this.#options;
    const snapshots = await this.#options.snapshots().catch(() => null);
    const folders = (await snapshots?.folders()) ?? [];
    const known = new Set((await unfinished.all()).map(({ runId }) => runId));
    const held = await runLocks.held();
    for (const runId of new Set([...known, ...folders])) {
      if (held.has(runId)) continue;
      if (await this.#isFinished(runId)) await this.#remove(runId);
      else if (snapshots !== null && !known.has(runId)) await this.#recordAgain(runId, snapshots);
    }
  }

  async #isFinished(runId: string): Promise<boolean> {
    return (await this.#options.runs.summary(runId))?.ending.kind === "finished";
  }

  /** Makes the record of a run from its snapshot; a folder without a whole one is removed. */
  async #recordAgain(runId: string, snapshots: Snapshots): Promise<void> {
    const snapshot = await snapshots.load(runId).catch((error: unknown) => {
      if (error instanceof BasinError) return null;
      throw error;
    });
    if (snapshot === null) return snapshots.remove(runId);
    await this.#options.unfinished.put(recordOf(runId, snapshot, this.#options.now()));
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
