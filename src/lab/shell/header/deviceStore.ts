/** @file The state of the GPU device. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { DeviceDescription } from "../../worker/protocol/device.ts";

export type DeviceState =
  | { readonly kind: "opening" }
  | { readonly kind: "ready"; readonly device: DeviceDescription }
  /** The browser has no WebGPU, or no adapter. */
  | { readonly kind: "missing"; readonly failure: RunFailure }
  | { readonly kind: "lost"; readonly failure: RunFailure; readonly device: DeviceDescription | null };

export type DeviceStore = StoreApi<DeviceState>;

export function createDeviceStore(): DeviceStore {
  return createStore<DeviceState>()(() => ({ kind: "opening" }));
}
