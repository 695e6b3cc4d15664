/** @file The offline copy and the network log, for components. */
import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { OfflineController, OfflineState } from "../offline/offlineController.ts";
import type { StoreApi } from "zustand/vanilla";
import type { PanelState } from "./panelStore.ts";
import type { NetworkLog, NetworkLogState } from "../networkLog/networkLogStore.ts";

export interface Diagnostics {
  readonly offline: OfflineController;
  readonly networkLog: NetworkLog;
  readonly panel: StoreApi<PanelState>;
}

export const DiagnosticsContext = createContext<Diagnostics | null>(null);

export function useDiagnostics(): Diagnostics {
  const diagnostics = useContext(DiagnosticsContext);
  if (diagnostics === null) throw new Error("useDiagnostics outside of DiagnosticsContext");
  return diagnostics;
}

export function usePanel<T>(select: (state: PanelState) => T): T {
  return useStore(useDiagnostics().panel, select);
}

export function useOffline(): OfflineState {
  return useStore(useDiagnostics().offline.store);
}

export function useNetworkLog(): NetworkLogState {
  return useStore(useDiagnostics().networkLog.store);
}
