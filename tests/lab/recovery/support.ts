/**
 * @file A browser for unfinished runs: records, checkpoints, locks and a channel that outlive the tabs that use them.
 */
import { Snapshots } from "../../../src/lab/recovery/snapshots.ts";
import type { RecoveryOptions } from "../../../src/lab/recovery/recoveryController.ts";
import type { RunLocks } from "../../../src/lab/recovery/runLocks.ts";
import type { UnfinishedRun } from "../../../src/lab/recovery/unfinishedDb.ts";
import { Disk, FakeFiles } from "../../weights/cache/support.ts";

export class FakeBrowser {
  readonly records = new Map<string, UnfinishedRun>();
  readonly disk = new Disk();
  readonly #held = new Map<string, number>();
  readonly #listeners = new Map<number, () => void>();
  #waiting: { readonly runId: string; readonly free: () => void }[] = [];
  #tabs = 0;

  /** What a page is given; `die` is what the browser does when the page is gone. */
  tab(): RecoveryOptions & { readonly die: () => void } {
    const id = (this.#tabs += 1);
    const release = (runId: string): void => {
      if (this.#held.get(runId) !== id) return;
      this.#held.delete(runId);
      for (const { free } of this.#waiting.filter((one) => one.runId === runId)) free();
      this.#waiting = this.#waiting.filter((one) => one.runId !== runId);
    };
    let alive = true;
    const living = async <T>(work: () => T): Promise<T> => (alive ? work() : new Promise<T>(() => undefined));
    const locks: RunLocks = {
      hold: (runId) =>
        living(() => {
          if (this.#held.has(runId)) return null;
          this.#held.set(runId, id);
          return () => release(runId);
        }),
      held: () => living(() => new Set(this.#held.keys())),
      whenFree: (runId) =>
        this.#held.has(runId) ? new Promise((free) => this.#waiting.push({ runId, free })) : Promise.resolve(),
    };
    return {
      archive: {
        all: () => living(() => [...this.records.values()]),
        put: (run) => living(() => void this.records.set(run.runId, structuredClone(run))),
        remove: (runId) => living(() => void this.records.delete(runId)),
      },
      snapshots: async () => new Snapshots(new FakeFiles(this.disk)),
      locks,
      channel: {
        tell: () => {
          for (const [other, heard] of this.#listeners) if (other !== id) heard();
        },
        listen: (heard) => void this.#listeners.set(id, heard),
      },
      die: () => {
        alive = false;
        this.#listeners.delete(id);
        for (const [runId, holder] of [...this.#held]) if (holder === id) release(runId);
      },
    };
  }
}

/** Until everything that was asked for has been done. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}
