/**
 * @file Presentation mode: everything larger, for a projector. All measures of the lab are in rem (scripts/pxToRem.ts), so the
 * root's type size is all that changes; the settings leave the side of the page, as in a narrow window.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { browserSettings, type SavedSettings } from "../../support/savedSettings.ts";

export interface PresentationState {
  readonly on: boolean;
  readonly toggle: () => void;
}

const KEY = "basin.presentation";

/** @param apply makes the page follow; called at once, and after every change */
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

/** Shown and heard with the button. */
export const PRESENTATION_KEYS = "Alt+Shift+P";

export const presentation = createPresentation(browserSettings, (on) => {
  if (typeof document !== "undefined") document.documentElement.toggleAttribute("data-presentation", on);
});
