/** @file The table of runs: heads that sort, a row for each run, and a row to write in where one is edited. */
import { useState, type JSX } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import type { SortColumn } from "./runList.ts";
import { RunRow, runTitle } from "./RunRow.tsx";
import { COLUMN_TITLES } from "./RunsFilter.tsx";
import { WordsEditor } from "./RunWords.tsx";
import type { StoredRun } from "./storedRun.ts";
import css from "./runs.module.css";

interface TableProps {
  /** In the order in which they stand. */
  readonly runs: readonly StoredRun[];
  /** The run whose answers are open below. */
  readonly opened: string | null;
  readonly onAnswers: (runId: string) => void;
}

const COLUMNS = 9;

export function RunsTable({ runs, opened, onAnswers }: TableProps): JSX.Element {
  const [edited, edit] = useState<string | null>(null);
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label="Table of runs">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">
              <span title="Shown on the charts below, and compared">Tick</span>
            </th>
            <Head column="method" />
            <Head column="data" />
            <Head column="harmful" sub="after, was before" number />
            <Head column="task" sub="accuracy or perplexity" number />
            <Head column="benign" sub="after, was before" number />
            <Head column="steps" number />
            <Head column="ended" />
            <th scope="col">
              <span className={css.sub}>Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.flatMap((run) => [
            <RunRow
              key={run.runId}
              run={run}
              opened={run.runId === opened}
              onAnswers={() => onAnswers(run.runId)}
              onWords={() => edit(run.runId === edited ? null : run.runId)}
            />,
            ...(run.runId === edited
              ? [
                  <tr key={`${run.runId} words`} className={css.wordsRow}>
                    <td colSpan={COLUMNS}>
                      <WordsEditor run={run} title={runTitle(run)} onClose={() => edit(null)} />
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
        {COLUMN_TITLES[column]}
        <span className={css.arrow} aria-hidden="true">
          {own ? (sort.descending ? "↓" : "↑") : ""}
        </span>
      </button>
      {sub !== undefined && <span className={css.sub}>{sub}</span>}
    </th>
  );
}
