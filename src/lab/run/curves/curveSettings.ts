/** @file How curves are drawn, remembered in this browser. */
import { persist } from "zustand/middleware";
import { createStore, type StoreApi } from "zustand/vanilla";

export interface CurveSettings {
  /** Weight of the moving average, 0 (none) to 0.99. */
  readonly smoothing: number;
  readonly logarithmic: boolean;
}

export interface CurveSettingsState extends CurveSettings {
  readonly change: (settings: Partial<CurveSettings>) => void;
}

export const MAX_SMOOTHING = 0.99;

/** The settings saved in the browser, as far as this version reads them. */
export function knownSettings(saved: unknown): Partial<CurveSettings> {
  if (typeof saved !== "object" || saved === null) return {};
  const { smoothing, logarithmic } = saved as Record<string, unknown>;
  return {
    ...(typeof smoothing === "number" && smoothing >= 0 && smoothing <= MAX_SMOOTHING ? { smoothing } : {}),
    ...(typeof logarithmic === "boolean" ? { logarithmic } : {}),
  };
}

export function createCurveSettingsStore(): StoreApi<CurveSettingsState> {
  return createStore<CurveSettingsState>()(
    persist((set) => ({ smoothing: 0, logarithmic: false, change: (settings) => set(settings) }), {
      name: "basin-curves",
      partialize: ({ smoothing, logarithmic }) => ({ smoothing, logarithmic }),
      merge: (saved, state) => ({ ...state, ...knownSettings(saved) }),
    }),
  );
}
