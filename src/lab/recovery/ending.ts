/** @file Whether a run that has just ended can be resumed later. */
import type { RunFailure } from "../../experiment/run/events.ts";
import type { ActiveRunState, RunState } from "../run/runState.ts";

/** How the run of this tab ended: for good, or so that it can be resumed. */
export type RunEnding =
  | { readonly kind: "done" }
  | { readonly kind: "interrupted"; readonly failure: RunFailure | null };

/** What there is to resume from. */
export interface Resumability {
  readonly hasSnapshot: boolean;
  /** It was resumed itself, from an earlier visit. */
  readonly wasResumed: boolean;
  /** It ended with its worker, whatever it was doing: then it can at least restart. */
  readonly cutOff: boolean;
}

/**
 * A run that finished, was stopped, discarded, or diverged is done. One that failed can be resumed from its snapshot
 * once the cause has gone; one that was cancelled before its first step in this tab stays as the visit before left it.
 */
export function runEnding(
  { pendingCommand }: ActiveRunState,
  after: RunState,
  { hasSnapshot, wasResumed, cutOff }: Resumability,
): RunEnding {
  if (pendingCommand === "discard") return { kind: "done" };
  if (after.kind === "failed" && after.diverged !== true && (hasSnapshot || wasResumed || cutOff))
    return { kind: "interrupted", failure: after.failure };
  if (after.kind === "idle" && wasResumed) return { kind: "interrupted", failure: null };
  return { kind: "done" };
}
