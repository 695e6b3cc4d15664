/** @file Run snapshots in the list of what this browser stores: their sizes, and a button to remove each. */
import type { JSX } from "react";
import { useRecovery, useLab } from "../shell/app/labContext.ts";
import models from "../setup/models/models.module.css";
import { bytes, moment } from "../support/format.ts";
import { AskOnce } from "./AskOnce.tsx";
import { STORED } from "./copy.ts";
import type { RecoveryState } from "./recoveryStore.ts";
import { titleOf } from "./runText.ts";

export function SavedSnapshots(): JSX.Element | null {
  const { recovery: keep } = useLab();
  const snapshots = useRecovery((state) => state.snapshots);
  const entries = useRecovery((state) => state.entries);
  if (snapshots.length === 0) return null;
  return (
    <ul className={models.stored} aria-label={STORED.label}>
      {snapshots.map(({ runId, bytes: size }) => {
        const entry = entries.find(({ run }) => run.runId === runId);
        return (
          <li key={runId} data-testid="stored-checkpoint">
            <span className={models.storedName}>
              {entry === undefined ? STORED.current : STORED.of(titleOf(entry))}
            </span>
            <span className={models.storedSize}>{bytes(size)}</span>
            {entry?.status === "interrupted" && (
              <AskOnce
                label={STORED.remove}
                ariaLabel={STORED.removeOf(titleOf(entry))}
                words={{ question: STORED.question, yes: STORED.remove, no: STORED.keep }}
                onYes={() => void keep.discard(runId)}
              />
            )}
            {entry !== undefined && (
              <span className={models.storedWhen}>
                {entry.status === "elsewhere" ? STORED.elsewhere : STORED.interrupted(moment(entry.run.seenAt))}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** ", 2 run snapshots, 3.1 MiB"; empty without any. */
export function snapshotSummary(snapshots: RecoveryState["snapshots"]): string {
  if (snapshots.length === 0) return "";
  return STORED.summary(snapshots.length, bytes(snapshots.reduce((sum, { bytes: size }) => sum + size, 0)));
}
