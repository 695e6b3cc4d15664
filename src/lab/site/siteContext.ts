/** @file What the page knows of itself as a site: its offline copy, what it asked of the network. For components. */
import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Offline, OfflineState } from "../offline/offlineStore.ts";
import type { Traffic, TrafficState } from "../traffic/trafficStore.ts";

export interface Site {
  readonly offline: Offline;
  readonly traffic: Traffic;
}

export const SiteContext = createContext<Site | null>(null);

export function useSite(): Site {
  const site = useContext(SiteContext);
  if (site === null) throw new Error("useSite outside of SiteContext");
  return site;
}

export function useOffline(): OfflineState {
  return useStore(useSite().offline.store);
}

export function useTraffic(): TrafficState {
  return useStore(useSite().traffic.store);
}
