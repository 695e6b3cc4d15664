/** @file A run of this tab that has ended and could not be stored: why, and a button that tries again. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useLab, useRuns } from "../shell/app/labContext.ts";
import notices from "../recovery/recovery.module.css";
import { RUNS } from "./copy.ts";

/** Nothing for a run that is stored. */
export function UnsavedNotice({ runId }: { readonly runId: string }): JSX.Element | null {
  const failure = useRuns((state) => state.unsaved.get(runId));
  const { history } = useLab();
  if (failure === undefined) return null;
  return (
    <div className={notices.notice} data-tone="warn" role="status" data-testid="unsaved-run">
      {RUNS.unsaved(failure.what)}
      <div className={notices.tools}>
        <Button size="xs" variant="default" onClick={() => void history.saveAgain()}>
          {RUNS.saveAgain}
        </Button>
      </div>
    </div>
  );
}
