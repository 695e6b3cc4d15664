/** @file Whether a run that has just ended may go on later. */
import type { ActiveRunState, RunState } from "../run/runState.ts";
import type { RunEnding } from "./recovery.ts";

/** What there is to go on from. */
export interface Left {
  readonly checkpoint: boolean;
  /** It had gone on from an earlier visit. */
  readonly resumed: boolean;
}

/**
 * A run that finished, was stopped, discarded, or diverged is done. One that failed goes on from its checkpoint where the cause has
 * gone; one that was cancelled before its first step in this tab stays as the visit before left it.
 */
export function runEnding({ asked }: ActiveRunState, after: RunState, { checkpoint, resumed }: Left): RunEnding {
  if (asked === "discard") return { kind: "done" };
  if (after.kind === "failed" && after.diverged !== true && (checkpoint || resumed))
    return { kind: "interrupted", failure: after.failure };
  if (after.kind === "idle" && resumed) return { kind: "interrupted", failure: null };
  return { kind: "done" };
}
