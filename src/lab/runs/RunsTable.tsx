/** @file The table of runs: sortable column headers, a row per run, and a row that edits tags and note. */
import { useMemo, useState, type JSX } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { TABLE } from "./copy.ts";
import type { SortColumn } from "./columns.ts";
import { RunRow, runTitle } from "./RunRow.tsx";
import { NotesEditor } from "./RunNotes.tsx";
import { runsBefore } from "./runChanges.ts";
import type { StoredRun } from "./storedRun.ts";
import tables from "../ui/tables.module.css";
import css from "./runs.module.css";

interface TableProps {
  /** In display order. */
  readonly runs: readonly StoredRun[];
  /** The run whose answers are shown below. */
  readonly opened: string | null;
  readonly onAnswers: (runId: string) => void;
}

const COLUMNS = 9;

export function RunsTable({ runs, opened, onAnswers }: TableProps): JSX.Element {
  const [edited, edit] = useState<string | null>(null);
  const history = useRuns((state) => state.runs);
  const before = useMemo(() => runsBefore(history), [history]);
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={TABLE.region}>
      <table className={`${tables.table} ${tables.stacking} ${css.table}`}>
        <thead>
          <tr>
            <th scope="col">
              <span title={TABLE.selectHint}>{TABLE.select}</span>
            </th>
            <Head column="method" />
            <Head column="data" />
            <Head column="harmful" sub={TABLE.rateColumn} number />
            <Head column="task" sub={TABLE.taskColumn} number />
            <Head column="benign" sub={TABLE.rateColumn} number />
            <Head column="steps" number />
            <Head column="ended" />
            <th scope="col">
              <span className={css.sub}>{TABLE.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.flatMap((run) => [
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
                  <tr key={`${run.runId} notes`} className={css.notesRow}>
                    <td colSpan={COLUMNS}>
                      <NotesEditor run={run} title={runTitle(run)} onClose={() => edit(null)} />
                    </td>
                  </tr>,
                ]
              : []),
          ])}
        </tbody>
      </table>
    </div>
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
  const own = sort.column === column;
  return (
    <th
      scope="col"
      className={number ? css.num : undefined}
      aria-sort={own ? (sort.descending ? "descending" : "ascending") : "none"}
    >
      <button type="button" className={css.sortHead} onClick={() => sortBy(column)}>
        {TABLE.columns[column]}
        <span className={css.arrow} aria-hidden="true">
          {own ? (sort.descending ? "↓" : "↑") : ""}
        </span>
      </button>
      {sub !== undefined && <span className={css.sub}>{sub}</span>}
    </th>
  );
}
