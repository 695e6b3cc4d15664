/** @file The plan of the edited experiment (memory, steps), computed by the worker without allocating anything. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { RunPlan } from "../worker/protocol/run.ts";

export type PlanState =
  | { readonly kind: "unknown"; readonly key: null }
  | { readonly kind: "planning"; readonly key: string }
  | { readonly kind: "planned"; readonly key: string; readonly plan: RunPlan }
  /** The spec is valid but cannot run: a missing file, target modules that match nothing, too little memory. */
  | { readonly kind: "impossible"; readonly key: string; readonly failure: RunFailure };

export type PlanStore = StoreApi<PlanState>;

/** Identifies the plan of a complete spec. */
export function planKey(spec: Spec): string {
  return JSON.stringify(spec);
}

export function createPlanStore(): PlanStore {
  return createStore<PlanState>()(() => ({ kind: "unknown", key: null }));
}
