/** @file What the page knows of itself as a site: its offline copy, what it asked of the network. For components. */
import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Offline, OfflineState } from "../offline/offlineStore.ts";
import type { NetworkLog, NetworkLogState } from "../networkLog/networkLogStore.ts";

export interface Diagnostics {
  readonly offline: Offline;
  readonly networkLog: NetworkLog;
}

export const DiagnosticsContext = createContext<Diagnostics | null>(null);

export function useDiagnostics(): Diagnostics {
  const site = useContext(DiagnosticsContext);
  if (site === null) throw new Error("useSite outside of SiteContext");
  return site;
}

export function useOffline(): OfflineState {
  return useStore(useDiagnostics().offline.store);
}

export function useNetworkLog(): NetworkLogState {
  return useStore(useDiagnostics().networkLog.store);
}
