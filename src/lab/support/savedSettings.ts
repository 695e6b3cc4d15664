/**
 * @file A few short texts that outlive the page: what was seen, chosen or opened. Where the browser keeps nothing
 * (private windows, storage that is blocked), they last as long as the tab.
 */
export interface SavedSettings {
  get(key: string): string | null;
  set(key: string, value: string): void;
}

/** What localStorage needs to have; tests hand in one that fails. */
type TextStorage = Pick<Storage, "getItem" | "setItem">;

/** @param storage throws where it may not be used: the property itself may, too, hence a function */
export function savedIn(storage: () => TextStorage): SavedSettings {
  const memory = new Map<string, string>();
  return {
    get(key) {
      const own = memory.get(key);
      if (own !== undefined) return own;
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },
    set(key, value) {
      memory.set(key, value);
      try {
        storage().setItem(key, value);
      } catch {
        // It stays in memory.
      }
    },
  };
}

/** This browser's. Keys begin with "basin.". */
export const browserSettings: SavedSettings = savedIn(() => globalThis.localStorage);
