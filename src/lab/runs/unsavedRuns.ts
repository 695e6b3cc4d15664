/**
 * @file Runs that could not be stored: they stay in memory, and storing them is tried again until it succeeds or they
 * are deleted.
 *
 *     save ▸ put ▸ stored
 *             └─ refused ▸ waiting ▸ put again, after 2 s, 10 s, 30 s, then every minute, or when room was made
 */
import type { RunFailure } from "../../experiment/run/events.ts";
import { answered } from "../../weights/cache/patience.ts";
import type { StoredRun } from "./storedRun.ts";

/** Calls `work` after so many milliseconds. */
export type Later = (work: () => void, ms: number) => void;

export interface UnsavedRunsOptions {
  readonly put: (run: StoredRun) => Promise<void>;
  readonly describeError: (error: unknown) => RunFailure;
  readonly later?: Later;
  /** Why runs are in memory only, by run id. */
  readonly onChange: (unsaved: ReadonlyMap<string, RunFailure>) => void;
}

/** How long to wait before the next attempt, in milliseconds; the last one repeats. */
const RETRY_MS = [2_000, 10_000, 30_000, 60_000] as const;

interface Waiting {
  readonly run: StoredRun;
  readonly failure: RunFailure;
  /** Called once it is stored or deleted. */
  readonly listeners: readonly (() => void)[];
}

export class UnsavedRuns {
  readonly #options: UnsavedRunsOptions;
  readonly #later: Later;
  readonly #waiting = new Map<string, Waiting>();
  /** Runs that are being stored for the first time. */
  readonly #saving = new Map<string, StoredRun>();
  #attempts = 0;
  #isScheduled = false;

  constructor(options: UnsavedRunsOptions) {
    this.#options = options;
    this.#later = options.later ?? ((work, ms) => void setTimeout(work, ms));
  }

  /** Stores a run. @returns whether it is stored; if not, that is tried again */
  async save(run: StoredRun): Promise<boolean> {
    this.#saving.set(run.runId, run);
    try {
      await answered(this.#options.put(run));
    } catch (error) {
      this.#saving.delete(run.runId);
      const listeners = this.#waiting.get(run.runId)?.listeners ?? [];
      this.#waiting.set(run.runId, { run, failure: this.#options.describeError(error), listeners });
      this.#changed();
      this.#schedule();
      return false;
    }
    this.#saving.delete(run.runId);
    this.forget(run.runId);
    return true;
  }

  /** Tries all of them now. */
  async again(): Promise<void> {
    for (const runId of [...this.#waiting.keys()]) await this.#again(runId);
  }

  get(runId: string): StoredRun | undefined {
    return this.#waiting.get(runId)?.run;
  }

  /** A run that is only in memory so far: being stored, or waiting for it. */
  held(runId: string): StoredRun | undefined {
    return this.get(runId) ?? this.#saving.get(runId);
  }

  /** A run that waits has changed. */
  change(run: StoredRun): void {
    const waiting = this.#waiting.get(run.runId);
    if (waiting !== undefined) this.#waiting.set(run.runId, { ...waiting, run });
  }

  /** A run is stored, or has been deleted. */
  forget(runId: string): void {
    const waiting = this.#waiting.get(runId);
    if (waiting === undefined) return;
    this.#waiting.delete(runId);
    if (this.#waiting.size === 0) this.#attempts = 0;
    this.#changed();
    for (const listen of waiting.listeners) listen();
  }

  /** Resolves once the run is stored, or has been deleted. */
  whenSaved(runId: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(runId);
      if (waiting === undefined) resolve();
      else this.#waiting.set(runId, { ...waiting, listeners: [...waiting.listeners, resolve] });
    });
  }

  async #again(runId: string): Promise<void> {
    const run = this.get(runId);
    if (run === undefined) return;
    try {
      await answered(this.#options.put(run));
    } catch {
      return this.#schedule();
    }
    // What was written about it meanwhile is stored, too; a run that was deleted meanwhile is not brought back.
    const now = this.get(runId);
    if (now === run) this.forget(runId);
    else if (now !== undefined) await this.#again(runId);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const wait = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)] ?? 0;
    this.#attempts += 1;
    this.#later(() => {
      this.#isScheduled = false;
      void this.again();
    }, wait);
  }

  #changed(): void {
    this.#options.onChange(new Map([...this.#waiting].map(([runId, { failure }]) => [runId, failure])));
  }
}
