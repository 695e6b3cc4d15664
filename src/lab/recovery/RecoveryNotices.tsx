/** @file Notices about the active run: the GPU was lost, the run resumes, its snapshots cannot be saved. */
import type { JSX } from "react";
import { useRecovery } from "../shell/app/labContext.ts";
import { isActive, type RunState } from "../run/runState.ts";
import { NOTICES } from "./copy.ts";
import type { SavedState } from "./recoveryStore.ts";
import css from "./recovery.module.css";

export function RecoveryNotices({ run }: { readonly run: Exclude<RunState, { kind: "idle" }> }): JSX.Element | null {
  const saved = useRecovery((state) => state.saved);
  const trouble = useRecovery((state) => state.storageProblem);
  const { deviceLoss, resumedFrom, steps } = run.log;
  if (!isActive(run)) return null;
  return (
    <>
      {deviceLoss !== undefined && (
        <p className={css.notice} role="status" data-testid="device-loss">
          {NOTICES.deviceReturned(deviceLoss.lastStep, deviceLoss.from)}
        </p>
      )}
      {resumedFrom !== undefined && steps.length === 0 && deviceLoss === undefined && (
        <p className={css.notice} role="status">
          {NOTICES.resuming(resumedFrom)}
        </p>
      )}
      {(trouble !== null || saved.kind === "failed") && (
        <p className={css.notice} data-tone="warn" role="status" data-testid="not-kept">
          {trouble !== null
            ? NOTICES.notRecorded(trouble)
            : saved.kind === "failed" && NOTICES.noSnapshot(saved.why, consequence(saved.point))}
        </p>
      )}
    </>
  );
}

/** What happens to the run if the tab closes. */
function consequence(point: Extract<SavedState, { kind: "failed" }>["point"]): string {
  if (point === null) return NOTICES.thenRestarts;
  return point.stage === "training" && point.step > 0
    ? NOTICES.thenResumesFrom(point.step)
    : NOTICES.thenResumesEarlier;
}
