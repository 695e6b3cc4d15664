/** @file The measured kernels as the device panel shows and controls them. */
import type { Gpu } from "../../engine/device.ts";
import { describeFastPaths } from "../../engine/fastPaths.ts";
import type { KernelDescription } from "../../engine/matmul/registry.ts";
import { routeRows, type RouteRow } from "../../experiment/measure/routeRows.ts";

/** "built_in": nothing is measured, and no measurement is used. */
export type KernelChoice = "measured" | "built_in";

export type TuningState =
  | { readonly kind: "idle" }
  /** `requested`: by the user, who may stop it. */
  | { readonly kind: "measuring"; readonly requested: boolean }
  /** Not tried again by itself on this device. */
  | { readonly kind: "failed"; readonly why: string };

export interface KernelsReport {
  readonly choice: KernelChoice;
  readonly state: TuningState;
  /** Optional fast paths that are in use, each checked on this device. */
  readonly fastPaths: readonly string[];
  readonly rows: readonly RouteRow[];
  /** What each kernel is. */
  readonly kernels: readonly KernelDescription[];
  /** Matmuls that occurred and are not measured. */
  readonly waiting: number;
  /** false: this browser stores nothing, and the measurements end with the page. */
  readonly persisted: boolean;
}

/** What the panel may request; each is answered by a report. */
export type KernelsCommand = "look" | "measure" | "stop" | "forget" | "use_measured" | "use_built_in";

export function kernelsReport(gpu: Gpu, tuning: Pick<KernelsReport, "choice" | "state" | "persisted">): KernelsReport {
  const { router, matmulKernels } = gpu;
  return {
    ...tuning,
    fastPaths: describeFastPaths(gpu),
    rows: routeRows(router.table),
    kernels: matmulKernels.descriptions,
    waiting: tuning.choice === "measured" ? router.pending.length : 0,
  };
}
