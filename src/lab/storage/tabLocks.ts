/**
 * @file Locks between the tabs of this browser: one tab holds a run, or the table's queue. They end with the tab that
 * held them, however it ends.
 */

export interface TabLocks {
  /** Holds a lock until the returned function is called; null where another tab holds it. */
  hold(id: string): Promise<(() => void) | null>;
  /** Ids of the locks that are held, by this tab or another. */
  held(): Promise<ReadonlySet<string>>;
  /** Resolves once nobody holds the lock. */
  whenFree(id: string): Promise<void>;
}

/** Web Locks: they hold between all tabs of the origin. @param prefix of their names */
export function webTabLocks(prefix: string): TabLocks {
  return {
    hold: (id) =>
      new Promise((resolve, reject) => {
        const held = navigator.locks.request(prefix + id, { ifAvailable: true }, (lock) => {
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
      return new Set(held.flatMap(({ name = "" }) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])));
    },
    whenFree: async (id) => {
      await navigator.locks.request(prefix + id, () => undefined);
    },
  };
}
