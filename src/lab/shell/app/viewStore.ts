/** @file The area on screen, and the page of Learn. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { LearnPage } from "../../learn/pages.ts";

export const AREAS = ["start", "setup", "data", "run", "chat", "runs", "table", "basin", "learn"] as const;
export type Area = (typeof AREAS)[number];

export interface ViewState {
  readonly area: Area;
  readonly page: LearnPage;
  readonly show: (area: Area) => void;
  /** Opens a page of Learn. */
  readonly learn: (page: LearnPage) => void;
}

export function createViewStore(): StoreApi<ViewState> {
  return createStore<ViewState>()((set) => ({
    area: "start",
    page: "lora",
    show: (area) => set({ area }),
    learn: (page) => set({ area: "learn", page }),
  }));
}
