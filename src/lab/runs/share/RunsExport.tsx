/** @file Exports: all runs as a table, the selected ones as a report. */
import type { JSX } from "react";
import { useRuns } from "../../shell/app/labContext.ts";
import { DownloadButton } from "../../ui/DownloadButton.tsx";
import { useReason } from "../../ui/Reason.tsx";
import { EXPORT } from "../copy.ts";
import css from "./share.module.css";

export function RunsExport(): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const selected = useRuns((state) => state.selected);
  const selectedRuns = runs.filter(({ runId }) => selected.has(runId));
  const reason = useReason(selectedRuns.length === 0 ? EXPORT.selectFirst : null);
  return (
    <div className={css.row}>
      <DownloadButton
        title={EXPORT.csvHint}
        onClick={() => void import("./saveReport.ts").then(({ saveRunsCsv }) => saveRunsCsv(runs))}
      >
        {EXPORT.csv}
      </DownloadButton>
      <DownloadButton
        disabled={selectedRuns.length === 0}
        title={EXPORT.reportHint}
        aria-describedby={reason.describedBy}
        onClick={() => void import("./saveReport.ts").then(({ saveReport }) => saveReport(selectedRuns, true))}
      >
        {EXPORT.report(selectedRuns.length)}
      </DownloadButton>
      {reason.text}
    </div>
  );
}
