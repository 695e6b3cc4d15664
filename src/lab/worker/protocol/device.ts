/** @file The GPU as the page shows it, and what happens to it. */
import type { RunFailure } from "../../../experiment/run/events.ts";

export interface DeviceDescription {
  /** One line, as it also stands in reports. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** A software adapter: right numbers, slowly. */
  readonly software: boolean;
  readonly maxBufferBytes: number;
  readonly maxBindingBytes: number;
  readonly features: readonly string[];
}

export type DeviceEvent =
  | { readonly type: "device_ready"; readonly device: DeviceDescription }
  | { readonly type: "device_missing"; readonly failure: RunFailure }
  | { readonly type: "device_lost"; readonly failure: RunFailure };
