/** @file Exports: all runs as a table, the selected ones as a report. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useRuns } from "../../shell/app/labContext.ts";
import { DownloadIcon } from "../../ui/icons.tsx";
import { EXPORT } from "../copy.ts";
import css from "./share.module.css";

export function RunsExport(): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const selected = useRuns((state) => state.selected);
  const selectedRuns = runs.filter(({ runId }) => selected.has(runId));
  return (
    <div className={css.row}>
      <Button
        variant="default"
        size="xs"
        leftSection={<DownloadIcon />}
        title={EXPORT.csvHint}
        onClick={() => void import("./saveReport.ts").then(({ saveRunsCsv }) => saveRunsCsv(runs))}
      >
        {EXPORT.csv}
      </Button>
      <Button
        variant="default"
        size="xs"
        leftSection={<DownloadIcon />}
        disabled={selectedRuns.length === 0}
        title={selectedRuns.length === 0 ? EXPORT.selectFirst : EXPORT.reportHint}
        onClick={() => void import("./saveReport.ts").then(({ saveReport }) => saveReport(selectedRuns, true))}
      >
        {EXPORT.report(selectedRuns.length)}
      </Button>
    </div>
  );
}
