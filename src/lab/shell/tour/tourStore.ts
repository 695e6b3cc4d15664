/**
 * @file The guided tour: offered once, taken stop by stop.
 *
 *     offered -> at(0) <-> at(1) <-> … -> resting          offered -> resting ("Not now")          resting -> at(0)
 *
 * Saved in this browser once it is started or declined, so that it is not offered again.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { SavedSettings } from "../../support/savedSettings.ts";

export type TourStage =
  | { readonly kind: "offered" }
  | { readonly kind: "at"; readonly stop: number }
  | { readonly kind: "idle" };

export interface TourState {
  readonly stage: TourStage;
  readonly begin: () => void;
  /** After the last stop, the tour ends. */
  readonly next: () => void;
  readonly back: () => void;
  /** Ends or declines the tour. */
  readonly end: () => void;
}

const KEY = "basin.tour";

export function createTourStore(keep: SavedSettings, stops: number): StoreApi<TourState> {
  return createStore<TourState>()((set, get) => {
    const end = (): void => {
      keep.set(KEY, "seen");
      set({ stage: { kind: "idle" } });
    };
    const move = (by: number): void => {
      const { stage } = get();
      if (stage.kind !== "at") return;
      if (stage.stop + by >= stops) return end();
      set({ stage: { kind: "at", stop: Math.max(0, stage.stop + by) } });
    };
    return {
      stage: keep.get(KEY) === null ? { kind: "offered" } : { kind: "idle" },
      begin: () => {
        keep.set(KEY, "seen");
        set({ stage: { kind: "at", stop: 0 } });
      },
      next: () => move(1),
      back: () => move(-1),
      end,
    };
  });
}
