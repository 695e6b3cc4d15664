/**
 * @file One lock for each run, held by the tab that runs it: two tabs never go on with one run, and a tab that dies lets go.
 *
 * A channel between the tabs of this browser says that something has changed.
 */

export interface RunLocks {
  /** Holds a run's lock until the returned function is called; null where another tab holds it. */
  hold(runId: string): Promise<(() => void) | null>;
  /** Runs whose locks are held, by this tab or another. */
  held(): Promise<ReadonlySet<string>>;
  /** Resolves once nobody holds the run's lock. */
  whenFree(runId: string): Promise<void>;
}

/** Between the tabs of this browser; a tab does not hear itself. */
export interface TabChannel {
  tell(): void;
  listen(heard: () => void): void;
}

const PREFIX = "basin-run:";

/** Web Locks: they hold between all tabs of the origin, and end with the page that held them. */
export const webRunLocks: RunLocks = {
  hold: (runId) =>
    new Promise((resolve, reject) => {
      const held = navigator.locks.request(PREFIX + runId, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>((release) => resolve(() => release()));
      });
      held.catch(reject);
    }),
  held: async () => {
    const { held = [] } = await navigator.locks.query();
    return new Set(held.flatMap(({ name = "" }) => (name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [])));
  },
  whenFree: async (runId) => {
    await navigator.locks.request(PREFIX + runId, () => undefined);
  },
};

export function openTabChannel(name = "basin-unfinished"): TabChannel {
  const channel = new BroadcastChannel(name);
  return {
    tell: () => channel.postMessage("changed"),
    listen: (heard) => channel.addEventListener("message", () => heard()),
  };
}
