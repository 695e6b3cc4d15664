/** @file Which area is on screen. */
import { create } from "zustand";

export const AREAS = ["setup", "data", "run", "chat", "runs", "table"] as const;
export type Area = (typeof AREAS)[number];

export const useView = create<{ readonly area: Area; readonly show: (area: Area) => void }>()((set) => ({
  area: "setup",
  show: (area) => set({ area }),
}));
