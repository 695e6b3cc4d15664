/**
 * @file Presentation mode: everything larger, for a projector. All sizes are in rem (scripts/pxToRem.ts), so only the
 * root font size changes; Setup moves from the side of the page to a tab, as in a narrow window.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { browserSettings, type SavedSettings } from "../../support/savedSettings.ts";

export interface PresentationState {
  readonly on: boolean;
  readonly toggle: () => void;
}

const KEY = "basin.presentation";

/** @param apply updates the page; called at once and after every change */
export function createPresentation(keep: SavedSettings, apply: (on: boolean) => void): StoreApi<PresentationState> {
  const store = createStore<PresentationState>()((set, get) => ({
    on: keep.get(KEY) === "on",
    toggle: () => {
      const on = !get().on;
      keep.set(KEY, on ? "on" : "off");
      set({ on });
    },
  }));
  apply(store.getState().on);
  store.subscribe(({ on }) => apply(on));
  return store;
}

/** Shown in the tooltip and announced by screen readers. */
export const PRESENTATION_KEYS = "Alt+Shift+P";

export const presentation = createPresentation(browserSettings, (on) => {
  if (typeof document !== "undefined") document.documentElement.toggleAttribute("data-presentation", on);
});
