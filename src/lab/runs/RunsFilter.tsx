/** @file The filter of the runs table: text, method, data, tag; in a narrow window also the sort order. */
import { Button, Select, TextInput } from "@mantine/core";
import type { JSX } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { sameJson } from "../support/json.ts";
import { FILTER, TABLE } from "./copy.ts";
import { ALL_RUNS, filterChoices } from "./runList.ts";
import { SORT_COLUMNS } from "./columns.ts";
import type { RunSummary } from "./runSummary.ts";
import css from "./runs.module.css";

export function RunsFilter({
  runs,
  shown,
}: {
  readonly runs: readonly RunSummary[];
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
    <div className={css.filter} role="search" aria-label={FILTER.region}>
      <TextInput
        size="xs"
        type="search"
        placeholder={FILTER.textExample}
        aria-label={FILTER.text}
        value={filter.text}
        onChange={(event) => narrow({ text: event.currentTarget.value })}
        className={css.search}
      />
      {choice(FILTER.method, "method", methods)}
      {choice(FILTER.data, "data", data)}
      {choice(FILTER.tag, "tag", tags)}
      <Select
        size="xs"
        aria-label={FILTER.sortBy}
        data={SORT_COLUMNS.map((column) => ({
          value: column,
          label: FILTER.sorted(TABLE.columns[column], sort.column === column ? (sort.descending ? " ↓" : " ↑") : ""),
        }))}
        value={sort.column}
        allowDeselect
        onChange={(value) => sortBy(SORT_COLUMNS.find((column) => column === value) ?? sort.column)}
        className={css.sortNarrow}
      />
      <span role="status" className={css.shown}>
        {all ? FILTER.all(runs.length) : FILTER.some(shown, runs.length)}
      </span>
      {!all && (
        <Button size="compact-xs" variant="default" onClick={() => narrow(ALL_RUNS)}>
          {FILTER.clear}
        </Button>
      )}
    </div>
  );
}
