/** @file Exports: all runs as a table, the selected ones as a report. */
import type { JSX } from "react";
import { useLab, useRuns } from "../../shell/app/labContext.ts";
import { CopyDetails } from "../../ui/CopyDetails.tsx";
import { DownloadButton } from "../../ui/DownloadButton.tsx";
import { useReason } from "../../ui/Reason.tsx";
import { useRequest } from "../../ui/useRequest.ts";
import { EXPORT } from "../copy.ts";
import css from "./share.module.css";

export function RunsExport(): JSX.Element {
  const { history } = useLab();
  const runs = useRuns((state) => state.runs);
  const selected = useRuns((state) => state.selected);
  const selectedIds = runs.map(({ runId }) => runId).filter((runId) => selected.has(runId));
  const reason = useReason(selectedIds.length === 0 ? EXPORT.selectFirst : null);
  const report = useRequest(async () => {
    const [{ saveReport }, read] = await Promise.all([
      import("./saveReport.ts"),
      Promise.all(selectedIds.map((runId) => history.read(runId))),
    ]);
    await saveReport(read, true);
  }, EXPORT.report(selectedIds.length));
  return (
    <div className={css.row}>
      <DownloadButton
        title={EXPORT.csvHint}
        onClick={() => void import("./saveReport.ts").then(({ saveRunsCsv }) => saveRunsCsv(runs))}
      >
        {EXPORT.csv}
      </DownloadButton>
      <DownloadButton
        disabled={selectedIds.length === 0}
        loading={report.state.kind === "pending"}
        title={EXPORT.reportHint}
        aria-describedby={reason.describedBy}
        onClick={() => void report.send()}
      >
        {EXPORT.report(selectedIds.length)}
      </DownloadButton>
      {reason.text}
      {report.state.kind === "failed" && (
        <span role="alert">
          {report.state.failure.what}. {report.state.failure.fix} <CopyDetails compact failure={report.state.failure} />
        </span>
      )}
    </div>
  );
}
