/** @file All runs as a table, the ticked ones as a report. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useRuns } from "../../shell/app/labContext.ts";
import { DownloadIcon } from "../../ui/icons.tsx";
import css from "./share.module.css";

export function RunsExport(): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const selected = useRuns((state) => state.selected);
  const ticked = runs.filter(({ runId }) => selected.has(runId));
  return (
    <div className={css.row}>
      <Button
        variant="default"
        size="xs"
        leftSection={<DownloadIcon />}
        title="One row per run: scores with their intervals and every setting"
        onClick={() => void import("./saveReport.ts").then(({ saveRunsCsv }) => saveRunsCsv(runs))}
      >
        All runs (CSV)
      </Button>
      <Button
        variant="default"
        size="xs"
        leftSection={<DownloadIcon />}
        disabled={ticked.length === 0}
        title={ticked.length === 0 ? "Tick the runs in the table" : "One HTML file that compares the ticked runs"}
        onClick={() => void import("./saveReport.ts").then(({ saveReport }) => saveReport(ticked, true))}
      >
        Report of {ticked.length === 1 ? "the ticked run" : `${ticked.length} ticked runs`}
      </Button>
    </div>
  );
}
