/** @file The table of runs: sortable column headers, a row per run, and a row that edits tags and note. */
import { Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useDeferredValue, useEffect, useMemo, useRef, useState, type JSX } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { TABLE } from "./copy.ts";
import type { SortColumn } from "./columns.ts";
import { RunRow } from "./RunRow.tsx";
import { runTitle } from "./runTitle.ts";
import { NotesEditor } from "./RunNotes.tsx";
import { runsBefore } from "./runChanges.ts";
import { MAX_SELECTED } from "./runsStore.ts";
import { FULL_ID } from "./selectionFull.ts";
import type { RunSummary } from "./runSummary.ts";
import tables from "../ui/tables.module.css";
import css from "./runs.module.css";

interface TableProps {
  /** In display order. */
  readonly runs: readonly RunSummary[];
  /** The run whose answers are shown below. */
  readonly opened: string | null;
  readonly onAnswers: (runId: string) => void;
}

const COLUMNS = 9;
/** As in ui/tables.module.css: each row is a block of its own. */
const NARROW = "(max-width: 760px)";

/** Rows of the first frame; the others of the first page follow at once, without holding up the page. */
const FIRST = 6;
/** Rows at first, and those that one press adds. */
const PAGE = 25;
const MORE = 100;

export function RunsTable({ runs, opened, onAnswers }: TableProps): JSX.Element {
  const [edited, edit] = useState<string | null>(null);
  const history = useRuns((state) => state.runs);
  const full = useRuns((state) => state.selected.size >= MAX_SELECTED);
  const before = useMemo(() => runsBefore(history), [history]);
  const [limit, setLimit] = useState(PAGE);
  const shown = runs.slice(0, useDeferredValue(limit, FIRST));
  const body = useRef<HTMLTableSectionElement>(null);
  const firstNew = useRef<number | null>(null);
  useEffect(() => {
    // The button may be gone: the keyboard goes on at the first row that it added.
    if (firstNew.current !== null)
      body.current?.rows[firstNew.current]?.querySelector<HTMLElement>("input, button")?.focus();
    firstNew.current = null;
  }, [shown.length]);
  const showMore = (): void => {
    firstNew.current = body.current?.rows.length ?? null;
    setLimit(limit + MORE);
  };
  return (
    <>
      <div className={css.scroll} tabIndex={0} role="region" aria-label={TABLE.region}>
        {full && (
          <p className={css.full} id={FULL_ID}>
            {TABLE.mostSelected(MAX_SELECTED)}
          </p>
        )}
        <table className={`${tables.table} ${tables.stacking} ${css.table}`} role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">
                <span title={TABLE.selectHint}>{TABLE.select}</span>
              </th>
              <Head column="method" />
              <Head column="data" />
              <Head column="harmful" sub={TABLE.rateColumn} number />
              <Head column="task" sub={TABLE.taskColumn} number />
              <Head column="benign" sub={TABLE.rateColumn} number />
              <Head column="steps" number />
              <Head column="ended" />
              <th role="columnheader" scope="col">
                <span className={css.sub}>{TABLE.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup" ref={body}>
            {shown.flatMap((run) => [
              <RunRow
                key={run.runId}
                run={run}
                before={before.get(run.runId) ?? null}
                opened={run.runId === opened}
                onAnswers={() => onAnswers(run.runId)}
                onEdit={() => edit(run.runId === edited ? null : run.runId)}
              />,
              ...(run.runId === edited
                ? [
                    <tr key={`${run.runId} notes`} className={css.notesRow} role="row">
                      <td role="cell" colSpan={COLUMNS}>
                        <NotesEditor run={run} title={runTitle(run)} onClose={() => edit(null)} />
                      </td>
                    </tr>,
                  ]
                : []),
            ])}
          </tbody>
        </table>
      </div>
      {runs.length > limit && (
        <div className={css.more} data-testid="more-runs">
          <span role="status">{TABLE.shown(limit, runs.length)}</span>
          <Button size="compact-sm" variant="default" onClick={showMore}>
            {TABLE.more(Math.min(MORE, runs.length - limit))}
          </Button>
        </div>
      )}
    </>
  );
}

function Head({
  column,
  sub,
  number = false,
}: {
  readonly column: SortColumn;
  readonly sub?: string;
  readonly number?: boolean;
}): JSX.Element {
  const sort = useRuns((state) => state.sort);
  const sortBy = useRuns((state) => state.sortBy);
  // There the headers are read out only, and RunsFilter sorts.
  const narrow = useMediaQuery(NARROW, false, { getInitialValueInEffect: false });
  const own = sort.column === column;
  return (
    <th
      role="columnheader"
      scope="col"
      className={number ? css.num : undefined}
      aria-sort={own ? (sort.descending ? "descending" : "ascending") : "none"}
    >
      {narrow ? (
        TABLE.columns[column]
      ) : (
        <button type="button" className={css.sortHead} onClick={() => sortBy(column)}>
          {TABLE.columns[column]}
          <span className={css.arrow} aria-hidden="true">
            {own ? (sort.descending ? "↓" : "↑") : ""}
          </span>
        </button>
      )}
      {sub !== undefined && <span className={css.sub}>{sub}</span>}
    </th>
  );
}
