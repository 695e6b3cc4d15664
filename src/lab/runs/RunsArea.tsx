/** @file Finished runs: a table to sort and filter, and plots, curves, answers and differences of the selected runs. */
import { Button } from "@mantine/core";
import { Suspense, useDeferredValue, useMemo, useState, type JSX } from "react";
import { lazyPart } from "../ui/lazyPart.tsx";
import { useLab, useRuns, useView } from "../shell/app/labContext.ts";
import { UndoIcon } from "../ui/icons.tsx";
import { AreaHead } from "../ui/AreaHead.tsx";
import ui from "../ui/ui.module.css";
import { moment } from "../support/format.ts";
import { RUNS } from "./copy.ts";
import { Differences } from "./Differences.tsx";
import { Overlay } from "./Overlay.tsx";
import { RunsExport } from "./share/RunsExport.tsx";
import { filterRuns, sortRuns } from "./runList.ts";
import { runTitle } from "./runTitle.ts";
import { OpeningNotice } from "./reading/ReadingNotice.tsx";
import { RunsFilter } from "./RunsFilter.tsx";
import { RunsTable } from "./RunsTable.tsx";
import { Scatter } from "./Scatter.tsx";
import type { RunSummary } from "./runSummary.ts";
import boxes from "../ui/boxes.module.css";
import css from "./runs.module.css";

const AnswersSection = lazyPart(() => import("./answers/AnswersSection.tsx"));

export default function RunsArea(): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const archive = useRuns((state) => state.archive);
  const sort = useRuns((state) => state.sort);
  const filter = useRuns((state) => state.filter);
  const selected = useRuns((state) => state.selected);
  const [opened, open] = useState<string | null>(null);
  const listed = useMemo(() => sortRuns(filterRuns(runs, filter), sort), [runs, filter, sort]);
  const selectedRuns = useMemo(() => listed.filter(({ runId }) => selected.has(runId)), [listed, selected]);
  // The table first: a plot of many runs takes longer.
  const plotted = useDeferredValue<readonly RunSummary[] | null>(listed, null);
  const shown = runs.find(({ runId }) => runId === opened);
  if (runs.length === 0) return <NoRuns loading={archive.kind === "loading"} />;
  return (
    <section data-testid="runs-area">
      <AreaHead title={RUNS.title} tools={<RunsExport />}>
        {archive.kind === "unavailable" ? RUNS.notSaved(archive.failure.what) : RUNS.saved}
      </AreaHead>
      <RunsFilter runs={runs} shown={listed.length} />
      <Removed />
      <OpeningNotice />
      {listed.length === 0 ? (
        <p className={css.caution}>{RUNS.noMatch}</p>
      ) : (
        <RunsTable runs={listed} opened={opened} onAnswers={(runId) => open(runId === opened ? null : runId)} />
      )}
      <p className={css.caution}>{RUNS.caution}</p>
      {shown !== undefined && (
        <div className={css.overlay} data-testid="run-answers">
          <div className={`${boxes.sectionHead} ${css.overlayHead}`}>
            <h3>{runTitle(shown)}</h3>
          </div>
          <Suspense fallback={null}>
            <AnswersSection runId={shown.runId} />
          </Suspense>
        </div>
      )}
      <div className={css.plots}>
        {plotted !== null && <Scatter runs={plotted} />}
        <Overlay runs={selectedRuns} />
      </div>
      <Differences runs={selectedRuns} />
    </section>
  );
}

function NoRuns({ loading }: { readonly loading: boolean }): JSX.Element {
  const show = useView((view) => view.show);
  return (
    <section className={ui.empty} data-testid="runs-area">
      <h2>{RUNS.empty}</h2>
      <Removed />
      <p>{loading ? RUNS.loading : RUNS.emptyText}</p>
      {!loading && (
        <Button variant="default" size="xs" onClick={() => show("start")}>
          {RUNS.goToStart}
        </Button>
      )}
    </section>
  );
}

/** Deleting asks no confirmation, but can be undone. */
function Removed(): JSX.Element | null {
  const removed = useRuns((state) => state.removed);
  const { history } = useLab();
  return (
    <div role="status">
      {removed !== null && (
        <p className={css.removed}>
          <span>{RUNS.deleted(runTitle(removed), moment(removed.endedAt))}</span>
          <Button size="compact-sm" variant="default" leftSection={<UndoIcon />} onClick={() => void history.restore()}>
            {RUNS.undo}
          </Button>
        </p>
      )}
    </div>
  );
}
