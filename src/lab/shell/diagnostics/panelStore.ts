/** @file Whether the panel "Diagnostics" is open, and at which part. */
import { createStore, type StoreApi } from "zustand/vanilla";

export type PanelPart = "device" | "offline" | "network";

export interface PanelState {
  readonly open: PanelPart | null;
  readonly show: (part: PanelPart) => void;
  readonly close: () => void;
}

export function createPanelStore(): StoreApi<PanelState> {
  return createStore<PanelState>()((set) => ({
    open: null,
    show: (part) => set({ open: part }),
    close: () => set({ open: null }),
  }));
}
