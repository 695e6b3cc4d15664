/** @file Runs of the history as a report and as a table, saved as files. */
import { encodeLink } from "../../../experiment/share/link.ts";
import { runsCsv } from "../../../experiment/report/csv.ts";
import { htmlReport } from "../../../experiment/report/htmlReport.ts";
import { fileNameOf, type ReportRun } from "../../../experiment/report/reportRun.ts";
import { overriddenScore } from "../answers/answerList.ts";
import { pageForLinks } from "../../setup/specStore.ts";
import type { RunSummary } from "../runSummary.ts";
import type { StoredRun } from "../storedRun.ts";
import { saveFile } from "../../support/clipboard.ts";

/** With a person's verdicts on its answers. */
function reported(run: StoredRun): ReportRun {
  return {
    ...run,
    overridden: overriddenScore(
      run.answers?.find(({ when }) => when === "after"),
      run.overrides ?? {},
    ),
  };
}

/** Answers of each kind that a report shows. */
const SAMPLES = 6;

export async function saveReport(runs: readonly StoredRun[], answers: boolean): Promise<void> {
  const page = pageForLinks(window.location.href);
  const html = await htmlReport(runs.map(reported), {
    madeAt: Date.now(),
    basin: __BASIN_VERSION__,
    samples: answers ? SAMPLES : 0,
    linkOf: ({ spec }) => `${page}#${encodeLink(spec)}`,
  });
  const [first] = runs;
  saveFile(
    `basin-report-${runs.length === 1 && first !== undefined ? fileNameOf(first) : `${runs.length}-runs`}.html`,
    new Blob([html]),
    "text/html",
  );
}

export function saveRunsCsv(runs: readonly RunSummary[]): void {
  saveFile(`basin-runs-${runs.length}.csv`, new Blob([runsCsv(runs)]), "text/csv");
}
