/** @file Why there is no device, from what the GPU worker reported: each case has another way out. */
import type { RunFailure } from "../../../experiment/run/events.ts";

export type NoGpuCase =
  /** Not https, not localhost: no browser offers WebGPU there. */
  | "insecure"
  /** The browser knows no WebGPU, or it is turned off. */
  | "no_api"
  /** It knows WebGPU, but finds no graphics processor that it trusts. */
  | "no_adapter"
  /** There is one, and it can do too little. */
  | "limits"
  /** There is one, and it could not be opened. */
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

export const NO_GPU_TITLES: Readonly<Record<NoGpuCase, string>> = {
  insecure: "Open this page over https: browsers offer WebGPU only there",
  no_api: "The lab needs WebGPU, and this browser gives none",
  no_adapter: "The lab needs WebGPU, and this browser finds no graphics processor for it",
  limits: "This graphics processor allows too little for the lab",
  refused: "The graphics processor could not be opened",
};
