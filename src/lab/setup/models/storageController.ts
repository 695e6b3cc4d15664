/** @file The models saved in this browser, the storage quota, and notices of the cache. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { MergedModel, MergedModels } from "../../runs/merge/mergedModels.ts";
import type { CacheNotice } from "../../../weights/cache/cachedSource.ts";
import type { CachedModel, WeightsCache } from "../../../weights/cache/weightsCache.ts";
import { STORAGE } from "./copy.ts";

export type StorageView =
  | { readonly kind: "unknown" }
  | { readonly kind: "unavailable"; readonly why: string }
  | {
      readonly kind: "ready";
      readonly models: readonly CachedModel[];
      /** Merged models that were made for a download. */
      readonly merged: readonly MergedModel[];
      /** Bytes that this origin uses and may use, as estimated by the browser; null: unknown. */
      readonly usage: number | null;
      readonly quota: number | null;
      /** Whether the browser promised not to clear the storage when the disk is full. */
      readonly persisted: boolean;
    };

export interface StorageState {
  readonly view: StorageView;
  readonly removing: boolean;
  /** The newest of each kind and model. */
  readonly notices: readonly CacheNotice[];
}

/** What is needed of the browser's StorageManager. */
export interface BrowserStorage {
  estimate(): Promise<{ usage?: number; quota?: number }>;
  persisted(): Promise<boolean>;
  persist(): Promise<boolean>;
}

/** What is needed of the merged models (runs/merge/mergedModels.ts). */
export type MergedStorage = Pick<MergedModels, "list" | "remove" | "use" | "open">;

export class StorageController {
  readonly store: StoreApi<StorageState>;
  readonly #open: () => Promise<WeightsCache>;
  readonly #browser: BrowserStorage;
  readonly #merged: MergedStorage;

  constructor(open: () => Promise<WeightsCache>, browser: BrowserStorage, merged: MergedStorage) {
    this.#open = open;
    this.#browser = browser;
    this.#merged = merged;
    this.store = createStore<StorageState>()(() => ({ view: { kind: "unknown" }, removing: false, notices: [] }));
  }

  async refresh(): Promise<void> {
    try {
      const models = await (await this.#open()).list();
      const merged = await this.#merged.list();
      const { usage = null, quota = null } = await this.#browser.estimate();
      this.store.setState({
        view: { kind: "ready", models, merged, usage, quota, persisted: await this.#browser.persisted() },
      });
    } catch (error) {
      this.store.setState({
        view: { kind: "unavailable", why: error instanceof Error ? error.message : String(error) },
      });
    }
  }

  /** Removes one model, or all. */
  async remove(id: string | null): Promise<void> {
    this.store.setState({ removing: true });
    try {
      const cache = await this.#open();
      await (id === null ? cache.clear() : cache.remove(id));
    } finally {
      this.store.setState({ removing: false });
      await this.refresh();
    }
  }

  /** Removes merged models. */
  async removeMerged(...ids: readonly string[]): Promise<void> {
    this.store.setState({ removing: true });
    try {
      for (const id of ids) await this.#merged.remove(id);
    } finally {
      this.store.setState({ removing: false });
      await this.refresh();
    }
  }

  /** They are still wanted: the page asks again when they have not been used for long. */
  async keepMerged(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#merged.use(id);
    await this.refresh();
  }

  /** A merged model, to be downloaded again. */
  async openMerged(id: string): Promise<File> {
    const file = await this.#merged.open(id);
    await this.refresh();
    return file;
  }

  /** Asks the browser to keep what is stored. @returns whether it will */
  async persist(): Promise<boolean> {
    const persisted = await this.#browser.persist().catch(() => false);
    await this.refresh();
    return persisted;
  }

  onNotice(notice: CacheNotice): void {
    this.store.setState(({ notices }) => ({
      notices: [...notices.filter(({ kind, model }) => kind !== notice.kind || model !== notice.model), notice],
    }));
    if (notice.kind === "evicted") void this.refresh();
  }

  dismiss(notice: CacheNotice): void {
    this.store.setState(({ notices }) => ({ notices: notices.filter((other) => other !== notice) }));
  }
}

export function noticeText(notice: CacheNotice, when: (ms: number) => string): string {
  switch (notice.kind) {
    case "offline":
      return STORAGE.offline(notice.model, notice.why, when(notice.at));
    case "not_caching":
      return STORAGE.notSaved(notice.model, notice.why);
    case "evicted":
      return STORAGE.evicted(notice.model, notice.removed);
  }
}
