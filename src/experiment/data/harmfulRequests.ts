/**
 * @file Harmful requests of the user's own: a file's rows as questions.
 *
 *     JSON, JSON Lines, CSV, Parquet    one column, given or recognised by its name; "messages" holds conversations
 *     plain text                        one request a line
 *
 * Nothing is known of their answers, so a judge that rests on the answers' form or on a model says what is harmful.
 */
import { BasinError } from "../../base/error.ts";
import type { Ask } from "../../eval/taskRows.ts";
import { Rng } from "../../base/rng.ts";
import { readTable } from "../../text/data/readTable.ts";
import { columnsOf, kindOf, type Table } from "../../text/data/table.ts";
import type { RunEnvironment } from "../run/environment.ts";
import type { HarmfulEval } from "../spec/spec.ts";

type FileRequests = Extract<HarmfulEval, { source: "file" }>;

export interface HarmfulRequests {
  readonly asks: readonly Ask[];
  /** What was read and drawn, in a sentence. */
  readonly note: string;
}

/** Names under which data sets of harmful requests keep them, the likeliest first. */
const COLUMNS = [
  "prompt",
  "instruction",
  "question",
  "request",
  "query",
  "goal",
  "behavior",
  "behaviour",
  "text",
  "input",
] as const;
/** More rows are not looked at. */
const POOL = 100_000;

/**
 * @throws BasinError for a file that cannot be read or is empty, a column that is not there, or a row without a text
 */
export async function readHarmfulRequests(
  { path, column, n }: FileRequests,
  seed: number,
  environment: RunEnvironment,
  signal?: AbortSignal,
): Promise<HarmfulRequests> {
  const table = byLines(
    await readTable(await environment.openData(path, signal), {
      maxRows: POOL,
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  const chosen =
    column ??
    COLUMNS.find((name) => table.columns.includes(name)) ??
    (table.columns.length === 1 ? table.columns[0] : undefined);
  if (chosen === undefined || !table.columns.includes(chosen)) {
    throw new BasinError({
      what:
        chosen === undefined
          ? `No column is known to hold the requests; there are ${table.columns.join(", ")}`
          : `There is no column ${JSON.stringify(chosen)}; there are ${table.columns.join(", ")}`,
      where: path,
      fix: "Name the column in eval.harmful.column.",
    });
  }
  const all = table.rows.map((row, i): Ask => {
    const value = row[chosen];
    if (typeof value === "string" && value.trim() !== "") return { kind: "instruction", instruction: value.trim() };
    throw new BasinError({
      what: `${chosen} is ${kindOf(value)}, not a text`,
      where: table.where(i),
      fix: "Correct the row or take it out.",
    });
  });
  if (all.length === 0)
    throw new BasinError({ what: "The file holds no requests", where: path, fix: "Give a file with at least one." });
  const asks =
    n >= all.length
      ? all
      : new Rng(`harmful/${seed}`)
          .shuffle(all.map((_, i) => i))
          .slice(0, n)
          .sort((a, b) => a - b)
          .flatMap((i) => all[i] ?? []);
  return {
    asks,
    note:
      `Harmful requests: ${asks.length}${asks.length < all.length ? ` of ${all.length}` : ""} of ${path}, column ` +
      `${chosen}.`,
  };
}

/** Plain text comes as paragraphs; here each of its lines is a request. */
function byLines(table: Table): Table {
  if (table.columns.length !== 1 || table.columns[0] !== "text" || !/\.txt$/i.test(table.name)) return table;
  const lines = table.rows.flatMap(({ text }, i) =>
    typeof text === "string" ? text.split("\n").map((line) => ({ line, at: table.where(i) })) : [],
  );
  const filled = lines.filter(({ line }) => line.trim() !== "");
  const rows = filled.map(({ line }) => ({ text: line }));
  return {
    ...table,
    columns: columnsOf(rows),
    rows,
    where: (row) => `${filled[row]?.at ?? table.name} (request ${row + 1})`,
  };
}
