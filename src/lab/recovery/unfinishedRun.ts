/**
 * @file The record of an unfinished run: what it needs beside its snapshot to be resumed after this page is gone.
 *
 * It is written when a run begins and removed when it ends; one that is still there while no tab holds its run's lock
 * was interrupted.
 */
import type { RunFailure } from "../../experiment/run/events.ts";
import type { RunSnapshot } from "../../experiment/snapshot/runSnapshot.ts";
import type { Spec } from "../../experiment/spec/spec.ts";

export interface UnfinishedRun {
  readonly version: 1;
  readonly runId: string;
  readonly spec: Spec;
  /** Milliseconds since 1970, as `seenAt`. */
  readonly startedAt: number;
  /** The last sign of life. */
  readonly seenAt: number;
  /** Steps taken by then. */
  readonly steps: number;
  /** null until the run has reported it. */
  readonly totalSteps: number | null;
  /** The evaluation before training may be an earlier run's. */
  readonly reuse: boolean;
  /** A token for the hub was given; it is stored nowhere. */
  readonly token: boolean;
  /** What ended it; null where it was cut off. */
  readonly failure: RunFailure | null;
}

/** The record of a run of which only a snapshot is left. @param now milliseconds since 1970 */
export function recordOf(runId: string, { spec, stage, record }: RunSnapshot, now: number): UnfinishedRun {
  return {
    version: 1,
    runId,
    spec,
    startedAt: now - record.elapsedMs,
    seenAt: now,
    steps: stage.kind === "training" ? stage.step : 0,
    totalSteps: null,
    reuse: record.beforeReused,
    token: false,
    failure: null,
  };
}
