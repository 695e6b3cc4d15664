/** @file Filtering and sorting of the runs table. Pure. */
import type { Perplexity, Rate } from "../../experiment/run/events.ts";
import { dataTitle, methodSettings, methodTitle } from "../run/labels.ts";
import type { SortColumn } from "./columns.ts";
import { runName } from "./runName.ts";
import type { RunSummary } from "./runSummary.ts";
import { endsOf } from "./storedRun.ts";

export interface RunSort {
  readonly column: SortColumn;
  readonly descending: boolean;
}

export interface RunFilter {
  /** Words that must all occur: in the method, data, names, tags, note, device or date. */
  readonly text: string;
  /** As `methodTitle` has it; null for all. */
  readonly method: string | null;
  /** As `dataTitle` has it; null for all. */
  readonly data: string | null;
  readonly tag: string | null;
}

export const NEWEST_FIRST: RunSort = { column: "ended", descending: true };
export const ALL_RUNS: RunFilter = { text: "", method: null, data: null, tag: null };

/** The first order of a column: scores from the best, times from the newest. */
const DESCENDING_AT_FIRST: Readonly<Record<SortColumn, boolean>> = {
  method: false,
  data: false,
  harmful: false,
  task: true,
  benign: true,
  steps: true,
  ended: true,
};

/** The order after a click on a column header. */
export function nextSort(sort: RunSort, column: SortColumn): RunSort {
  return sort.column === column
    ? { column, descending: !sort.descending }
    : { column, descending: DESCENDING_AT_FIRST[column] };
}

/** Runs without a value come last in either order; the sort is stable. */
export function sortRuns(runs: readonly RunSummary[], { column, descending }: RunSort): readonly RunSummary[] {
  const keyed = runs.map((run) => ({ run, value: valueOf(run, column) }));
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null ? 1 : 0) - (b.value === null ? 1 : 0);
    const order =
      typeof a.value === "string" || typeof b.value === "string"
        ? String(a.value).localeCompare(String(b.value), "en", { numeric: true })
        : a.value - b.value;
    return descending ? -order : order;
  });
  return keyed.map(({ run }) => run);
}

function valueOf(run: RunSummary, column: SortColumn): string | number | null {
  const { after } = endsOf(run);
  switch (column) {
    case "method":
      return `${methodTitle(run.spec.method)}, ${methodSettings(run.spec.method)}`;
    case "data":
      return `${dataTitle(run.spec)}, ${run.spec.train.seed}`;
    case "harmful":
      return after?.harmful_score?.percent ?? null;
    case "task":
      return taskValue(after?.task_accuracy ?? null, after?.perplexity ?? null);
    case "benign":
      return after?.benign_compliance?.percent ?? null;
    case "steps":
      return run.steps.count;
    case "ended":
      return run.endedAt;
  }
}

/** Accuracies sort by value; perplexities below all accuracies, the lowest first. */
function taskValue(accuracy: Rate | null, perplexity: Perplexity | null): number | null {
  if (accuracy !== null) return accuracy.percent;
  return perplexity === null ? null : -perplexity.perplexity;
}

export function filterRuns(runs: readonly RunSummary[], { text, method, data, tag }: RunFilter): readonly RunSummary[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return runs.filter(
    (run) =>
      (method === null || methodTitle(run.spec.method) === method) &&
      (data === null || dataTitle(run.spec) === data) &&
      (tag === null || (run.tags ?? []).includes(tag)) &&
      (words.length === 0 || holdsAll(searchText(run), words)),
  );
}

function holdsAll(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}

function searchText({ runId, spec, ending, tags = [], note = "", endedAt }: RunSummary): string {
  const where = ending.kind === "finished" ? ending.report.device : `failed ${ending.failure.what}`;
  return [
    methodTitle(spec.method),
    methodSettings(spec.method),
    dataTitle(spec),
    spec.name ?? "",
    spec.model.aligned,
    `seed ${spec.train.seed}`,
    where,
    note,
    ...tags,
    runId,
    runName(runId),
    new Date(endedAt).toISOString(),
  ]
    .join("\n")
    .toLowerCase();
}

/** The choices of the filters: each value that some run has, in alphabetical order. */
export function filterChoices(runs: readonly RunSummary[]): {
  readonly methods: readonly string[];
  readonly data: readonly string[];
  readonly tags: readonly string[];
} {
  const sorted = (values: readonly string[]): readonly string[] =>
    [...new Set(values)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return {
    methods: sorted(runs.map(({ spec }) => methodTitle(spec.method))),
    data: sorted(runs.map(({ spec }) => dataTitle(spec))),
    tags: sorted(runs.flatMap(({ tags = [] }) => tags)),
  };
}

export const MAX_TAGS = 12;
export const MAX_TAG_LENGTH = 40;
export const MAX_NOTE_LENGTH = 2000;

/** Tags trimmed, without duplicates and empty ones. */
export function cleanTags(tags: readonly string[]): readonly string[] {
  return [
    ...new Set(
      tags.map((tag) => tag.trim().replaceAll(/\s+/g, " ").slice(0, MAX_TAG_LENGTH)).filter((tag) => tag !== ""),
    ),
  ].slice(0, MAX_TAGS);
}
