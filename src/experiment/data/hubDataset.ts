/**
 * @file Which files of a dataset repository hold the rows that a spec asks for.
 *
 *     refs/convert/parquet       {config}/{split}/0000.parquet …          the hub's own conversion; asked first
 *     any other revision         data/train-00000-of-00002.parquet, train.jsonl, main/test.csv …
 *
 * The conversion exists for public datasets of up to some gigabytes (beyond, as {config}/partial-{split}). Where it
 * does not, the repository's own data files are taken, distinguished by the words train, test and validation in their
 * paths, as the hub does.
 */
import { BasinError } from "../../base/error.ts";
import { readTable } from "../../text/data/readTable.ts";
import type { ReadLimits, Table, TableRow } from "../../text/data/table.ts";
import type { HubSource } from "../../weights/hubSource.ts";
import { DEFAULT_REVISION, hubName } from "../../weights/modelName.ts";
import { dataFile } from "./dataFile.ts";
import type { RunEnvironment } from "../run/environment.ts";

export interface HubRows {
  readonly repo: string;
  readonly config?: string | undefined;
  readonly split?: string | undefined;
  readonly revision?: string | undefined;
}

/** Branch on which the hub keeps its Parquet conversion. */
export const PARQUET_BRANCH = "refs/convert/parquet";

/** One file with what its path says of it. */
export interface DataPart {
  readonly path: string;
  readonly config: string;
  readonly split: string;
}

/**
 * The rows of a split as one table, read file after file until `maxRows`.
 * @throws BasinError when the dataset, configuration or split does not exist; it says which there are
 */
export async function openHubRows(
  wanted: HubRows,
  limits: ReadLimits,
  environment: Pick<RunEnvironment, "openDataset">,
): Promise<Table> {
  const { source, parts } = await findParts(wanted, environment, limits.signal);
  const tables: Table[] = [];
  let left = limits.maxRows ?? Infinity;
  for (const { path } of chooseParts(parts, wanted)) {
    if (left <= 0) break;
    const file = await dataFile(source, path, limits.signal, `${wanted.repo}: ${path}`);
    const table = await readTable(file, { ...limits, ...(left === Infinity ? {} : { maxRows: left }) });
    tables.push(table);
    left -= table.rows.length;
  }
  return joined(tables, wanted.repo);
}

async function findParts(
  { repo, revision }: HubRows,
  environment: Pick<RunEnvironment, "openDataset">,
  signal: AbortSignal | undefined,
): Promise<{ source: HubSource; parts: readonly DataPart[] }> {
  if (revision === undefined) {
    const converted = environment.openDataset(repo, PARQUET_BRANCH);
    // Not every dataset has a conversion. Whatever else is wrong, the main branch will say.
    const files = await converted.listing(signal).catch((error: unknown) => {
      if (error instanceof BasinError) return null;
      throw error;
    });
    const parts = files === null ? [] : convertedParts(Object.keys(files.files));
    if (parts.length > 0) return { source: converted, parts };
  }
  const source = environment.openDataset(repo, revision ?? DEFAULT_REVISION);
  const files = Object.keys((await source.listing(signal)).files);
  const parts = revision === PARQUET_BRANCH ? convertedParts(files) : ownParts(files);
  if (parts.length > 0) return { source, parts };
  throw new BasinError({
    what: "The dataset has no Parquet, JSON or CSV files, and the hub keeps no Parquet conversion of it",
    where: hubName(repo, revision),
    fix: "Fetch and convert it yourself (Dataset.to_parquet), then choose the file.",
  });
}

/** Files of the conversion: {config}/{split}/0000.parquet. */
export function convertedParts(files: readonly string[]): DataPart[] {
  return files.flatMap((path) => {
    const [, config, split] = /^([^/]+)\/([^/]+)\/[^/]+\.parquet$/.exec(path) ?? [];
    return config === undefined || split === undefined ? [] : [{ path, config, split: split.replace(/^partial-/, "") }];
  });
}

const SPLITS: readonly (readonly [RegExp, string])[] = [
  [/(^|[^a-z])(train|training)([^a-z]|$)/i, "train"],
  [/(^|[^a-z])(test|testing|eval|evaluation)([^a-z]|$)/i, "test"],
  [/(^|[^a-z])(validation|valid|val|dev)([^a-z]|$)/i, "validation"],
];

/** A repository's own data files. A folder that is neither "data" nor a split names the configuration. */
export function ownParts(files: readonly string[]): DataPart[] {
  return files.flatMap((path) => {
    if (
      !/\.(parquet|jsonl|json|ndjson|csv|tsv)$/i.test(path) ||
      /(^|\/)(dataset_infos?|config|package|\.[^/]*)\.json$/i.test(path)
    )
      return [];
    const split = SPLITS.find(([pattern]) => pattern.test(path))?.[1] ?? "train";
    const config = path
      .split("/")
      .slice(0, -1)
      .filter((folder) => folder !== "data" && !SPLITS.some(([pattern]) => pattern.test(folder)))
      .join("/");
    return [{ path, split, config: config === "" ? "default" : config }];
  });
}

/** The files of the wanted configuration and split, in order. @throws BasinError which says what there is */
export function chooseParts(parts: readonly DataPart[], { repo, config, split }: HubRows): DataPart[] {
  const configs = [...new Set(parts.map((part) => part.config))];
  const chosenConfig = one(config, configs, ["default"], { what: "configuration", field: "config", repo });
  const ofConfig = parts.filter((part) => part.config === chosenConfig);
  const splits = [...new Set(ofConfig.map((part) => part.split))];
  const chosenSplit = one(split, splits, ["train"], { what: "split", field: "split", repo });
  return ofConfig.filter((part) => part.split === chosenSplit).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function one(
  wanted: string | undefined,
  there: readonly string[],
  preferred: readonly string[],
  { what, field, repo }: { readonly what: string; readonly field: string; readonly repo: string },
): string {
  const [only] = there;
  const found =
    wanted === undefined
      ? there.length === 1
        ? only
        : preferred.find((name) => there.includes(name))
      : there.find((name) => name === wanted);
  if (found !== undefined) return found;
  throw new BasinError({
    what:
      wanted === undefined
        ? `The dataset has several ${what}s`
        : `The dataset has no ${what} ${JSON.stringify(wanted)}`,
    where: `${repo}: data.train.${field}`,
    fix: `Give ${field}, one of: ${there.join(", ")}.`,
  });
}

/** Several files of one dataset as one table. */
function joined(tables: readonly Table[], name: string): Table {
  const [first] = tables;
  if (first === undefined)
    throw new BasinError({ what: "The dataset is empty", where: name, fix: "Choose another split." });
  const starts: number[] = [];
  const rows: TableRow[] = [];
  for (const table of tables) {
    starts.push(rows.length);
    for (const row of table.rows) rows.push(row);
  }
  return {
    name,
    columns: first.columns,
    rows,
    labelNames: first.labelNames,
    where: (row) => {
      const at = starts.findLastIndex((start) => start <= row);
      return tables[at]?.where(row - (starts[at] ?? 0)) ?? `${name} row ${row + 1}`;
    },
  };
}
