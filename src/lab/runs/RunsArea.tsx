/** @file Runs that have ended: a table that is sorted and filtered, what differs, safety against the task, curves, answers. */
import { Button } from "@mantine/core";
import { lazy, Suspense, useMemo, useState, type JSX } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { UndoIcon } from "../ui/icons.tsx";
import parts from "../ui/ui.module.css";
import { moment } from "../support/format.ts";
import { Differences } from "./Differences.tsx";
import { Overlay } from "./Overlay.tsx";
import { RunsExport } from "./share/RunsExport.tsx";
import { filterRuns, sortRuns } from "./runList.ts";
import { runTitle } from "./RunRow.tsx";
import { RunsFilter } from "./RunsFilter.tsx";
import { RunsTable } from "./RunsTable.tsx";
import { Scatter } from "./Scatter.tsx";
import css from "./runs.module.css";

const AnswersSection = lazy(() => import("./answers/AnswersSection.tsx"));

export default function RunsArea(): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const archive = useRuns((state) => state.archive);
  const sort = useRuns((state) => state.sort);
  const filter = useRuns((state) => state.filter);
  const selected = useRuns((state) => state.selected);
  const [opened, open] = useState<string | null>(null);
  const listed = useMemo(() => sortRuns(filterRuns(runs, filter), sort), [runs, filter, sort]);
  const ticked = useMemo(() => listed.filter(({ runId }) => selected.has(runId)), [listed, selected]);
  const shown = runs.find(({ runId }) => runId === opened);
  if (runs.length === 0) return <NoRuns loading={archive.kind === "loading"} />;
  return (
    <section data-testid="runs-area">
      <div className={css.head}>
        <h2>Runs</h2>
        <p>
          {archive.kind === "unavailable"
            ? `Kept until this tab closes: ${archive.failure.what}.`
            : "Kept in this browser, on this machine."}
        </p>
        <RunsExport />
      </div>
      <RunsFilter runs={runs} shown={listed.length} />
      <Removed />
      {listed.length === 0 ? (
        <p className={css.caution}>No run fits the filter.</p>
      ) : (
        <RunsTable runs={listed} opened={opened} onAnswers={(runId) => open(runId === opened ? null : runId)} />
      )}
      <p className={css.caution}>
        One run is one seed. The bars and ranges are 95 % intervals (shares: Wilson; perplexity: bootstrap over rows):
        they do not cover what another seed would change. Compare AsFT with plain L2 at the same lambda before crediting
        the direction.
      </p>
      {shown !== undefined && (
        <div className={css.overlay} data-testid="run-answers">
          <div className={css.overlayHead}>
            <h3>{runTitle(shown)}</h3>
          </div>
          <Suspense fallback={null}>
            <AnswersSection runId={shown.runId} />
          </Suspense>
        </div>
      )}
      <div className={css.plots}>
        <Scatter runs={listed} />
        <Overlay runs={ticked} />
      </div>
      <Differences runs={ticked} />
    </section>
  );
}

function NoRuns({ loading }: { readonly loading: boolean }): JSX.Element {
  const show = useView((view) => view.show);
  return (
    <section className={parts.empty} data-testid="runs-area">
      <h2>No runs yet</h2>
      <Removed />
      <p>
        {loading
          ? "Reading this browser’s storage …"
          : "Every run that ends is kept here, in this browser: its settings, curves, scores and adapter. Two or more can be compared."}
      </p>
      {!loading && (
        <Button variant="default" size="xs" onClick={() => show("start")}>
          Begin with one
        </Button>
      )}
    </section>
  );
}

/** A deletion is not asked about but can be taken back. */
function Removed(): JSX.Element | null {
  const removed = useRuns((state) => state.removed);
  const restore = useRuns((state) => state.restore);
  return (
    <div role="status">
      {removed !== null && (
        <p className={css.removed}>
          <span>
            Deleted: {runTitle(removed)}, of {moment(removed.endedAt)}, with its adapter.
          </span>
          <Button size="compact-sm" variant="default" leftSection={<UndoIcon />} onClick={() => void restore()}>
            Bring it back
          </Button>
        </p>
      )}
    </div>
  );
}
