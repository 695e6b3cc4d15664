/** @file That runs are being read from this browser's storage, or could not be. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { useLab, useRun, useRuns, useView } from "../../shell/app/labContext.ts";
import { CopyDetails } from "../../ui/CopyDetails.tsx";
import { READING } from "./copy.ts";
import { runTitle } from "../runTitle.ts";
import type { RunSummary } from "../runSummary.ts";
import type { Readings } from "./useStoredRuns.ts";
import css from "../runs.module.css";

interface NoticeProps {
  /** Those that are shown. */
  readonly runs: readonly Pick<RunSummary, "runId" | "spec">[];
  readonly readings: Readings<unknown>;
  readonly onRetry: () => void;
}

/** Nothing once all have been read. */
export function ReadingNotice({ runs, readings, onRetry }: NoticeProps): JSX.Element | null {
  const pending = runs.filter(({ runId }) => !readings.has(runId)).length;
  const failed = runs.flatMap((run) => {
    const reading = readings.get(run.runId);
    return reading?.kind === "failed" ? [{ run, failure: reading.failure }] : [];
  });
  if (pending === 0 && failed.length === 0) return null;
  return (
    <div data-testid="reading-runs">
      {pending > 0 && (
        <p className={css.caution} role="status">
          {READING.runs(pending)}
        </p>
      )}
      {failed.map(({ run, failure }) => (
        <ReadFailure key={run.runId} title={runTitle(run)} failure={failure} onRetry={onRetry} />
      ))}
    </div>
  );
}

interface FailureProps {
  readonly title: string;
  readonly failure: RunFailure;
  readonly onRetry: () => void;
}

export function ReadFailure({ title, failure, onRetry }: FailureProps): JSX.Element {
  return (
    <div className={css.unread} role="alert">
      <p>
        {READING.failed(title, failure.what)} {failure.fix}
      </p>
      <p>
        <Button size="compact-sm" variant="default" onClick={onRetry}>
          {READING.again}
        </Button>{" "}
        <CopyDetails compact failure={failure} />
      </p>
    </div>
  );
}

/** The run that was asked for in the run area, while it is read or where that failed. */
export function OpeningNotice(): JSX.Element | null {
  const lab = useLab();
  const show = useView((view) => view.show);
  const opening = useRun((state) => state.opening);
  const run = useRuns(({ runs }) =>
    opening.kind === "none" ? undefined : runs.find(({ runId }) => runId === opening.runId),
  );
  if (opening.kind === "none") return null;
  if (opening.kind === "reading") {
    return (
      <p className={css.caution} role="status" data-testid="opening-run">
        {READING.run}
      </p>
    );
  }
  const retry = (): void => void lab.run.open(opening.runId).then((opened) => opened && show("run"));
  return (
    <ReadFailure title={run === undefined ? READING.aRun : runTitle(run)} failure={opening.failure} onRetry={retry} />
  );
}
