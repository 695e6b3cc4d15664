/** @file Why there is no device, from the failure that the GPU worker reported: each case has a different fix. */
import type { RunFailure } from "../../../experiment/run/events.ts";

export type NoGpuCase =
  /** Neither https nor localhost: browsers offer no WebGPU there. */
  | "insecure"
  /** The browser has no WebGPU, or it is turned off. */
  | "no_api"
  /** The browser has WebGPU, but found no GPU that it accepts. */
  | "no_adapter"
  /** The GPU's limits are too low. */
  | "limits"
  /** The GPU could not be opened. */
  | "refused";

export function noGpuCase({ where }: RunFailure, secure: boolean): NoGpuCase {
  if (!secure) return "insecure";
  switch (where) {
    case "navigator.gpu":
      return "no_api";
    case "requestAdapter":
      return "no_adapter";
    case "adapter limits":
      return "limits";
    default:
      return "refused";
  }
}
