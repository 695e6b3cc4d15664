/** @file The checkpoints among what is kept in this browser: what they take, and removing them. */
import type { JSX } from "react";
import { useKeep, useLab } from "../shell/app/labContext.ts";
import models from "../setup/models/models.module.css";
import { bytes, moment } from "../support/format.ts";
import { AskOnce } from "./AskOnce.tsx";
import type { KeepState } from "./recovery.ts";
import { titleOf } from "./words.ts";

export function SavedCheckpoints(): JSX.Element | null {
  const { recovery: keep } = useLab();
  const checkpoints = useKeep((state) => state.checkpoints);
  const entries = useKeep((state) => state.entries);
  if (checkpoints.length === 0) return null;
  return (
    <ul className={models.stored} aria-label="Checkpoints of unfinished runs">
      {checkpoints.map(({ runId, bytes: size }) => {
        const entry = entries.find(({ run }) => run.runId === runId);
        return (
          <li key={runId} data-testid="stored-checkpoint">
            <span className={models.storedName}>
              {entry === undefined ? "Checkpoint of the run under way" : `Checkpoint: ${titleOf(entry)}`}
            </span>
            <span className={models.storedSize}>{bytes(size)}</span>
            {entry?.where === "interrupted" && (
              <AskOnce
                label="Remove"
                ariaLabel={`Remove the checkpoint of ${titleOf(entry)}`}
                question="The run cannot go on then."
                yes="Remove"
                no="Keep"
                onYes={() => void keep.discard(runId)}
              />
            )}
            {entry !== undefined && (
              <span className={models.storedWhen}>
                {entry.where === "elsewhere" ? "runs in another tab" : `interrupted ${moment(entry.run.seenAt)}`}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** ", checkpoints of 2 runs, 3.1 MiB"; empty where there are none. */
export function checkpointSummary(checkpoints: KeepState["checkpoints"]): string {
  if (checkpoints.length === 0) return "";
  return `, ${checkpoints.length === 1 ? "the checkpoint of a run" : `checkpoints of ${checkpoints.length} runs`}, ${bytes(checkpoints.reduce((sum, { bytes: size }) => sum + size, 0))}`;
}
