/** @file The run history in the list of what this browser stores: its size, and the largest runs with a button each. */
import { useMemo, type JSX } from "react";
import { useLab, useRuns } from "../shell/app/labContext.ts";
import models from "../setup/models/models.module.css";
import { AskOnce } from "../recovery/AskOnce.tsx";
import { bytes, moment } from "../support/format.ts";
import { STORED_RUNS } from "../setup/models/copy.ts";
import { runTitle } from "./runTitle.ts";

/** The others are in Runs. */
const SHOWN = 5;

export function StoredRuns(): JSX.Element | null {
  const { history } = useLab();
  const runs = useRuns((state) => state.runs);
  const sized = useMemo(() => [...runs].sort((a, b) => b.bytes - a.bytes), [runs]);
  if (sized.length === 0) return null;
  const all = sized.reduce((sum, run) => sum + run.bytes, 0);
  return (
    <>
      <p className={models.help}>{STORED_RUNS.summary(sized.length, bytes(all))}</p>
      <ul className={models.stored} aria-label={STORED_RUNS.label}>
        {sized.slice(0, SHOWN).map((run) => (
          <li key={run.runId} data-testid="stored-run">
            <span className={models.storedName}>{runTitle(run)}</span>
            <span className={models.storedSize}>{bytes(run.bytes)}</span>
            <AskOnce
              label={STORED_RUNS.remove}
              ariaLabel={STORED_RUNS.removeOf(runTitle(run))}
              words={{ question: STORED_RUNS.question, yes: STORED_RUNS.remove, no: STORED_RUNS.keep }}
              onYes={() => void history.remove(run.runId)}
            />
            <span className={models.storedWhen}>{moment(run.endedAt)}</span>
          </li>
        ))}
      </ul>
      {sized.length > SHOWN && <p className={models.help}>{STORED_RUNS.more(sized.length - SHOWN)}</p>}
    </>
  );
}
