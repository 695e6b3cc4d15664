/**
 * @file The training rows of a spec: read, mapped, selected, and as tokens.
 *
 *     source ▸ table (rows with named columns) ▸ mapping (which column is what) ▸ rows ▸ selection ▸ tokens
 *
 * What was guessed, left out or held out on the way is reported (`RunRows`), never silently done.
 */
import { trainRows } from "../../text/apothecary/index.ts";
import {
  chooseColumns,
  completeMapping,
  neededColumns,
  type Mapping,
  type MappingRequest,
} from "../../text/data/mapping.ts";
import { parseTable, readTable } from "../../text/data/readTable.ts";
import { mapRows, type RowProblem } from "../../text/data/rows.ts";
import { selectRows } from "../../text/data/selection.ts";
import type { Table } from "../../text/data/table.ts";
import type { DataRow } from "../../text/example.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import { tokenizeRows, type TokenizedDataset } from "../../text/tokenize.ts";
import { describeReport } from "../../text/tokenizeReport.ts";
import { ignoredFields } from "./ignoredFields.ts";
import { describeTurnEnds } from "./turnEndNotes.ts";
import type { RunEnvironment } from "../run/environment.ts";
import { bindMethod } from "../../methods/registry.ts";
import { type Shaped, shapeExamples } from "./shaping.ts";
import { openHubRows } from "./hubDataset.ts";
import type { DataSpec, Spec } from "../spec/spec.ts";
import type { ModelFiles } from "../run/textModel.ts";

/** How a table's columns were read; null for rows that have none (the apothecary world). */
export interface ColumnAccount {
  readonly columns: readonly string[];
  readonly mapping: Mapping;
}

export interface RunRows {
  /** To train on, in order. */
  readonly rows: readonly DataRow[];
  /** Held out for evaluation; never trained on. */
  readonly heldOut: readonly DataRow[];
  /** Where a training row stands, for errors: "rows.jsonl line 12". */
  where(row: number): string;
  whereHeldOut(row: number): string;
  readonly account: ColumnAccount | null;
  /** Rows that were left out because they do not fit the mapping. */
  readonly problems: readonly RowProblem[];
  /** What selecting did, in sentences; empty when every row is trained on. */
  readonly notes: readonly string[];
  /** Rows that were left out before tokenising, by reason. */
  readonly dropped: readonly Tally[];
  /** Rows of which a part is not used, by what it is. */
  readonly ignored: readonly Tally[];
  /** How many of `rows`, counted from the end, are the method's safety rows; all others are the user's. */
  readonly safetyRows?: number;
}

/** So many rows, and what happened to them. */
export interface Tally {
  readonly rows: number;
  readonly reason: string;
}

/** Columns that are used, or reported, without being mapped. */
const SIDE_COLUMNS = ["tools", "history", "label"];

function withSideColumns(columns: readonly string[], needed: readonly string[]): string[] {
  return [...new Set([...needed, ...columns.filter((column) => SIDE_COLUMNS.includes(column))])];
}

/** Columns with a meaning that this training has no use for. */
function unusedColumns({ rows }: Table, { format, columns }: Mapping): Tally[] {
  const used = new Set(Object.values(columns));
  const has = (column: string): number =>
    used.has(column) ? 0 : rows.filter((row) => row[column] !== undefined && row[column] !== null).length;
  const kto = rows.filter(({ label }) => typeof label === "boolean");
  const bad = kto.filter(({ label }) => label === false).length;
  return [
    {
      rows: used.has("label") ? 0 : kto.length,
      reason: `label (KTO): ${bad} of them are marked as undesirable, and are learnt like the others`,
    },
    { rows: format === "instruction" ? 0 : has("history"), reason: `history: rows of the format ${format} have none` },
    { rows: format === "chat" ? 0 : has("tools"), reason: `tools: rows of the format ${format} have none` },
  ].filter(({ rows: count }) => count > 0);
}

const PASTED = "pasted text";
/** Rows from which a file's columns are detected. */
const SAMPLE_ROWS = 100;

type TrainSource = DataSpec["train"];
type RealSource = Exclude<TrainSource, { source: "apothecary" }>;

/**
 * The rows that a spec trains on, and those it holds out. Those of the apothecary world follow from the seed.
 * @throws BasinError for a source that is missing, malformed or empty, or whose columns are not recognised
 */
export async function loadRows(
  { data, train: { seed } }: Spec,
  environment: RunEnvironment,
  vocabSize?: number,
  signal?: AbortSignal,
): Promise<RunRows> {
  const { train } = data;
  if (train.source === "apothecary") {
    const { task, n, harmful_ratio } = train;
    return select(
      {
        rows: trainRows({ task, n, harmful_ratio, seed }),
        where: (row) => `apothecary row ${row + 1}`,
        account: null,
        problems: [],
        ignored: [],
      },
      data,
    );
  }
  const request: MappingRequest = {
    format: train.format,
    columns: train.columns,
    prompt: train.prompt,
    label_names: train.label_names,
  };
  const table = await openTable(train, request, firstRows(data), environment, signal);
  const mapping = completeMapping(chooseColumns(table.columns, request, table.name), table, request);
  const { rows, sources, problems } = mapRows(table, mapping, {
    bad_rows: data.bad_rows,
    ...(vocabSize === undefined ? {} : { vocab_size: vocabSize }),
  });
  return select(
    {
      rows,
      where: (row) => table.where(sources[row] ?? row),
      account: { columns: table.columns, mapping },
      problems,
      ignored: unusedColumns(table, mapping),
    },
    data,
  );
}

async function openTable(
  train: RealSource,
  request: MappingRequest,
  maxRows: number | undefined,
  environment: RunEnvironment,
  signal?: AbortSignal,
): Promise<Table> {
  if (train.source === "text") return parseTable(train.text, PASTED, maxRows === undefined ? {} : { maxRows });
  const limits = {
    ...(maxRows === undefined ? {} : { maxRows }),
    ...(signal === undefined ? {} : { signal }),
  };
  const pick = (name: string) => (columns: readonly string[]) =>
    withSideColumns(columns, neededColumns(chooseColumns(columns, request, name), request.prompt));
  if (train.source === "hub") return openHubRows(train, { ...limits, pickColumns: pick(train.repo) }, environment);
  return readTable(await environment.openData(train.path, signal), { ...limits, pickColumns: pick(train.path) });
}

/**
 * The names of a source's columns, and little more is read than them; none for rows that have no columns.
 * @throws BasinError when the source cannot be read at all
 */
export async function readColumns(
  { data: { train } }: Pick<Spec, "data">,
  environment: RunEnvironment,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (train.source === "apothecary") return [];
  if (train.source === "text") return (await parseTable(train.text, PASTED, { maxRows: SAMPLE_ROWS })).columns;
  const limits = { maxRows: SAMPLE_ROWS, pickColumns: () => [], ...(signal === undefined ? {} : { signal }) };
  return (
    train.source === "hub"
      ? await openHubRows(train, limits, environment)
      : await readTable(await environment.openData(train.path, signal), limits)
  ).columns;
}

/** How many rows of the file are enough: all, unless only the first are used whatever the others hold. */
function firstRows({ selection, bad_rows }: DataSpec): number | undefined {
  const first =
    selection.max_rows !== null &&
    selection.shuffle_seed === null &&
    selection.validation_split === 0 &&
    !selection.deduplicate &&
    bad_rows === "error";
  return first ? (selection.max_rows ?? undefined) : undefined;
}

interface Read {
  readonly rows: readonly DataRow[];
  where(row: number): string;
  readonly account: ColumnAccount | null;
  readonly problems: readonly RowProblem[];
  readonly ignored: readonly Tally[];
}

function select({ rows: all, where, account, problems, ignored }: Read, { selection }: DataSpec): RunRows {
  const { train, heldOut, repeated, capped, leaked } = selectRows(all, selection);
  const take = (indices: readonly number[]): DataRow[] => indices.flatMap((i) => all[i] ?? []);
  const notes: string[] = [];
  if (problems.length > 0)
    notes.push(
      `${problems.length} of ${all.length + problems.length} rows left out because they do not fit: ` +
        `${some(problems.map(({ where: at, why }) => `${at} (${why})`))}.`,
    );
  if (selection.deduplicate && repeated.length > 0)
    notes.push(
      `${repeated.length} of ${all.length} rows left out as repetitions: ` +
        `${some(repeated.map(({ row, of }) => `${where(row)} repeats ${where(of)}`))}.`,
    );
  if (heldOut.length > 0) notes.push(`${heldOut.length} of ${all.length} rows held out for evaluation.`);
  if (leaked > 0)
    notes.push(
      `${leaked} held-out ${leaked === 1 ? "row equals a row that is" : "rows equal rows that are"} trained on; set ` +
        "selection.deduplicate to prevent it.",
    );
  if (capped > 0) notes.push(`${capped} rows left out beyond the first ${train.length} (selection.max_rows).`);
  return {
    rows: take(train),
    heldOut: take(heldOut),
    where: (row) => where(train[row] ?? row),
    whereHeldOut: (row) => where(heldOut[row] ?? row),
    account,
    problems,
    notes,
    dropped: [
      { rows: problems.length, reason: `does not fit the columns: ${problems[0]?.why ?? ""}` },
      { rows: selection.deduplicate ? repeated.length : 0, reason: "repeats an earlier row (selection.deduplicate)" },
      { rows: capped, reason: "beyond selection.max_rows" },
    ].filter(({ rows }) => rows > 0),
    ignored,
  };
}

function some(items: readonly string[]): string {
  return items.slice(0, 3).join(", ") + (items.length > 3 ? `, and ${items.length - 3} more` : "");
}

export interface RunExamples extends TokenizedDataset {
  /** What a method's scores did to the rows; null where it has none. */
  readonly shaped: Pick<Shaped, "account" | "notes"> | null;
  /** How many of `examples`, counted from the end, come from safety rows. */
  readonly safetyExamples: number;
}

type Rows = Pick<RunRows, "rows" | "where" | "safetyRows">;
type Files = Pick<ModelFiles, "tokenizer" | "config">;

/**
 * The rows that a run trains on, as tokens; with the weights that the method gives their labels.
 * @throws BasinError naming the row, or when no row remains
 */
export function trainingExamples(spec: Pick<Spec, "data" | "method">, rows: Rows, files: Files): RunExamples {
  const { shaping } = bindMethod(spec.method).rows;
  if (shaping === null) return tokenizeForRun(spec, rows, files);
  const plain = tokenizeForRun(spec, rows, files, shaping.chunkWords);
  const { examples, kept, account, notes } = shapeExamples(plain.examples, shaping, (example) =>
    rows.where(plain.sources[example] ?? example),
  );
  return { ...plain, examples, sources: kept.map((at) => plain.sources[at] ?? at), shaped: { account, notes } };
}

/**
 * @param chunk_words divide responses into chunks of so many words
 * @throws BasinError naming the row, or when no row remains
 */
export function tokenizeForRun(
  { data }: Pick<Spec, "data">,
  { rows, where, safetyRows = 0 }: Rows,
  { tokenizer, config }: Files,
  chunk_words?: number,
): RunExamples {
  const dataset = tokenizeRows(rows, tokenizer, {
    ...(chunk_words === undefined ? {} : { chunk_words }),
    max_length: Math.min(data.max_length, config.maxPositions),
    too_long: data.too_long,
    bad_rows: data.bad_rows,
    append_eos: data.append_eos,
    vocab_size: config.vocabSize,
    where: (row) => where(row),
  });
  const safetyExamples = dataset.sources.filter((source) => source >= rows.length - safetyRows).length;
  return { ...dataset, safetyExamples, shaped: null };
}

const UNUSED_SCORES = "The column of safety scores is not used: this method does not weigh by them.";

/**
 * All that was guessed, cut, left out or held out, as sentences for a log; and how the chat template ends turns, where
 * that matters.
 */
export function describeData(
  { data }: Pick<Spec, "data">,
  rows: RunRows,
  { report, shaped, examples }: RunExamples,
  tokenizer: TextTokenizer | null = null,
): string[] {
  return [
    ...describeMapping(rows.account),
    ...rows.notes,
    ...describeReport(report, data.max_length),
    ...(shaped?.notes ?? []),
    ...(shaped === null && rows.account?.mapping.columns.safety_scores !== undefined ? [UNUSED_SCORES] : []),
    ...describeIgnored(rows, tokenizer),
    ...(tokenizer === null ? [] : describeTurnEnds(tokenizer, examples, data.append_eos)),
  ];
}

/** "Not used in 12 rows: name: the chat template writes nothing of it." */
export function describeIgnored(rows: RunRows, tokenizer: TextTokenizer | null): string[] {
  return [...rows.ignored, ...ignoredFields(rows.rows, tokenizer)].map(
    ({ rows: count, reason }) => `Not used in ${count} row${count === 1 ? "" : "s"}: ${reason}.`,
  );
}

/** "Columns read as Alpaca: instruction ← question, output ← answer." */
function describeMapping(account: ColumnAccount | null): string[] {
  if (account === null) return [];
  const { mapping } = account;
  const parts = Object.entries(mapping.columns).map(([role, column]) =>
    role === column ? role : `${role} from ${column}`,
  );
  if (mapping.prompt !== null) parts.push(`prompt ${JSON.stringify(mapping.prompt)}`);
  if (mapping.labelNames !== null) parts.push(`classes ${mapping.labelNames.join(", ")}`);
  return [
    `Columns ${mapping.recognised === "as given" ? "as given" : `read as ${mapping.recognised}`}: ${parts.join("; ")}.`,
  ];
}
