/**
 * @file A dataset file as a table, whatever its format. Parquet is recognised by its first bytes, CSV by its name, JSON
 * by its first character; a name that promises another format than the content is no obstacle.
 */
import { csvTable } from "./csvTable.ts";
import { jsonTable } from "./jsonTable.ts";
import { isParquet, parquetTable } from "./parquetTable.ts";
import { readTextFile, type DataFile, type ReadLimits, type Table } from "./table.ts";
import { textTable } from "./textTable.ts";

/** @throws BasinError naming file and line */
export async function readTable(file: DataFile, limits: ReadLimits = {}): Promise<Table> {
  const head = await file.read(0, Math.min(4, file.size), limits.signal);
  if (isParquet(head)) return parquetTable(file, limits);
  return parseTable(await readTextFile(file, limits.signal), file.name, limits);
}

/** As `readTable`, for a text that is at hand (a file's, or one that was pasted). */
export async function parseTable(
  text: string,
  name: string,
  { maxRows = Infinity }: Pick<ReadLimits, "maxRows"> = {},
): Promise<Table> {
  if (/\.[ct]sv$/i.test(name) && !beginsWithJson(text)) return csvTable(text, name, maxRows);
  if (/\.txt$/i.test(name) || (!/^[\s\ufeff]*[[{]/.test(text) && !/\.(json|jsonl|ndjson)$/i.test(name)))
    return looksLikeCsv(text) ? csvTable(text, name, maxRows) : textTable(text, name, maxRows);
  return jsonTable(text, name, maxRows);
}

/** Whether the first line is a JSON object, or the text an array: rows that were saved under another format's name. */
function beginsWithJson(text: string): boolean {
  const body = text.replace(/^[\s\ufeff]+/, "");
  if (body.startsWith("[")) return true;
  try {
    return body.startsWith("{") && typeof JSON.parse(body.split("\n", 1)[0] ?? "") === "object";
  } catch {
    return false;
  }
}

/**
 * Whether a text without a telling name is a table: its first line holds a delimiter between short names, such as
 * "instruction,input,output". A sentence with a comma has words with spaces between.
 */
function looksLikeCsv(text: string): boolean {
  const [first = "", second] = text.replace(/^\ufeff/, "").split(/\r?\n/, 2);
  return second !== undefined && /^"?[A-Za-z_][\w.-]*"?([,;\t|]\s?"?[A-Za-z_][\w.-]*"?)+$/.test(first.trim());
}
