/** @file Which runs the table shows: words, method, data, tag; in a narrow window also their order. */
import { Button, Select, TextInput } from "@mantine/core";
import type { JSX } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { sameJson } from "../support/json.ts";
import { ALL_RUNS, filterChoices, SORT_COLUMNS, type SortColumn } from "./runList.ts";
import type { StoredRun } from "./storedRun.ts";
import css from "./runs.module.css";

export const COLUMN_TITLES: Readonly<Record<SortColumn, string>> = {
  method: "Method",
  data: "Data",
  harmful: "Harmful score",
  task: "Task",
  benign: "Harmless answered",
  steps: "Steps",
  ended: "When and where",
};

export function RunsFilter({
  runs,
  shown,
}: {
  readonly runs: readonly StoredRun[];
  readonly shown: number;
}): JSX.Element {
  const filter = useRuns((state) => state.filter);
  const sort = useRuns((state) => state.sort);
  const narrow = useRuns((state) => state.setFilter);
  const sortBy = useRuns((state) => state.sortBy);
  const { methods, data, tags } = filterChoices(runs);
  const all = sameJson(filter, ALL_RUNS);
  const choice = (label: string, name: "method" | "data" | "tag", values: readonly string[]): JSX.Element | null =>
    values.length === 0 || (values.length === 1 && filter[name] === null) ? null : (
      <Select
        size="xs"
        aria-label={label}
        placeholder={label}
        data={values}
        value={filter[name]}
        onChange={(value) => narrow({ [name]: value })}
        clearable
        allowDeselect
        className={css.choice}
      />
    );
  return (
    <div className={css.filter} role="search" aria-label="Runs">
      <TextInput
        size="xs"
        type="search"
        placeholder="Filter by words: method, data, tag, note, seed 0 …"
        aria-label="Filter runs by words"
        value={filter.text}
        onChange={(event) => narrow({ text: event.currentTarget.value })}
        className={css.search}
      />
      {choice("Any method", "method", methods)}
      {choice("Any data", "data", data)}
      {choice("Any tag", "tag", tags)}
      <Select
        size="xs"
        aria-label="Sort by"
        data={SORT_COLUMNS.map((column) => ({
          value: column,
          label: `Sort: ${COLUMN_TITLES[column]}${sort.column === column ? (sort.descending ? " ↓" : " ↑") : ""}`,
        }))}
        value={sort.column}
        allowDeselect
        onChange={(value) => sortBy(SORT_COLUMNS.find((column) => column === value) ?? sort.column)}
        className={css.sortNarrow}
      />
      <span role="status" className={css.shown}>
        {all ? `${runs.length} ${runs.length === 1 ? "run" : "runs"}` : `${shown} of ${runs.length} runs`}
      </span>
      {!all && (
        <Button size="compact-xs" variant="default" onClick={() => narrow(ALL_RUNS)}>
          Show all
        </Button>
      )}
    </div>
  );
}
