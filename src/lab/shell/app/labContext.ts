/** @file The lab's stores, for components. */
import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { ChatState } from "../../chat/chatStore.ts";
import type { RowsState } from "../../data/rowsStore.ts";
import type { HostsState } from "../hosts/hostController.ts";
import type { DeviceState } from "../header/deviceStore.ts";
import type { RecoveryState } from "../../recovery/recoveryStore.ts";
import type { Lab } from "../../lab.ts";
import type { MergeState } from "../../runs/merge/mergeStore.ts";
import type { RunStoreState } from "../../run/runStore.ts";
import type { RunsState } from "../../runs/runsStore.ts";
import type { ModelsState } from "../../setup/models/modelController.ts";
import type { StorageState } from "../../setup/models/storageController.ts";
import type { ReceivedState } from "../../runs/share/receivedStore.ts";
import type { PlanState } from "../../setup/planStore.ts";
import type { SpecState } from "../../setup/specStore.ts";
import type { TableState } from "../../table/tableStore.ts";
import type { CurveSettingsState } from "../../run/curves/curveSettings.ts";
import type { ViewState } from "./viewStore.ts";

export const LabContext = createContext<Lab | null>(null);

export function useLab(): Lab {
  const lab = useContext(LabContext);
  if (lab === null) throw new Error("useLab outside of LabContext");
  return lab;
}

export function useView<T>(select: (state: ViewState) => T): T {
  return useStore(useLab().view, select);
}

export function useCurveSettings<T>(select: (state: CurveSettingsState) => T): T {
  return useStore(useLab().curves, select);
}

export function useSpec<T>(select: (state: SpecState) => T): T {
  return useStore(useLab().spec, select);
}

export function useRun<T>(select: (state: RunStoreState) => T): T {
  return useStore(useLab().run.store, select);
}

export function useRuns<T>(select: (state: RunsState) => T): T {
  return useStore(useLab().history.store, select);
}

export function useRecovery<T>(select: (state: RecoveryState) => T): T {
  return useStore(useLab().recovery.store, select);
}

export function useTable<T>(select: (state: TableState) => T): T {
  return useStore(useLab().table.store, select);
}

export function useChat<T>(select: (state: ChatState) => T): T {
  return useStore(useLab().chat.store, select);
}

export function useMerge(): MergeState {
  return useStore(useLab().merge.store);
}

export function useRows(): RowsState {
  return useStore(useLab().preview.rows);
}

export function useDevice(): DeviceState {
  return useStore(useLab().device.store);
}

export function useModels<T>(select: (state: ModelsState) => T): T {
  return useStore(useLab().models.store, select);
}

export function useHosts<T>(select: (state: HostsState) => T): T {
  return useStore(useLab().hosts.store, select);
}

export function useStorage<T>(select: (state: StorageState) => T): T {
  return useStore(useLab().storage.store, select);
}

export function usePlan(): PlanState {
  return useStore(useLab().preview.plan);
}

export function useReceived<T>(select: (state: ReceivedState) => T): T {
  return useStore(useLab().received, select);
}
