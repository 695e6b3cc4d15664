/** @file JSON Lines, or one JSON array of objects, as a table. Every error names the file and the line. */
import { isRecord } from "../../base/records.ts";
import { jsonSpot } from "../../base/jsonSpot.ts";
import { BasinError } from "../../base/error.ts";
import { columnsOf, kindOf, messageOf, type Table, type TableRow } from "./table.ts";

/**
 * Blank lines are skipped.
 * @throws BasinError for malformed JSON or a row that is no object, naming the line
 */
export function jsonTable(text: string, name: string, maxRows = Infinity): Table {
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  const found = /^\s*\[/.test(body) ? parseArray(body, name, maxRows) : parseLines(body, name, maxRows);
  return {
    name,
    columns: columnsOf(found.map(({ value }) => value)),
    rows: found.map(({ value }) => value),
    where: (row) => found[row]?.where ?? `${name} row ${row + 1}`,
    labelNames: new Map(),
  };
}

interface Located {
  readonly value: TableRow;
  readonly where: string;
}

function parseLines(text: string, name: string, maxRows: number): Located[] {
  // One object over several lines is no JSON Lines; a person who saved it so should hear that, not "line 1 is broken".
  const whole = wholeObject(text);
  if (whole !== null) return [located(whole, `${name} row 1`)];
  const out: Located[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length && out.length < maxRows; i += 1) {
    const line = lines[i] ?? "";
    if (line.trim() === "") continue;
    const where = `${name} line ${i + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw notJson("line", line, { name, line: i, cause });
    }
    out.push(located(value, where, line));
  }
  return out;
}

/** A file that is one object spread over lines; null for anything else. */
function wholeObject(text: string): unknown {
  if (!/^\s*\{\s*\n/.test(text)) return null;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return null;
  }
}

function parseArray(text: string, name: string, maxRows: number): Located[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Lines that are arrays are JSON Lines of something else than rows.
    if (isJson(text.trimStart().split("\n", 1)[0] ?? "")) return parseLines(text, name, maxRows);
    throw notJson("file", text, { name, line: 0, cause });
  }
  return Array.isArray(value)
    ? value.slice(0, maxRows).map((item: unknown, i) => located(item, `${name} row ${i + 1}`))
    : [];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface Place {
  readonly name: string;
  /** Lines of the file before the text. */
  readonly line: number;
  readonly cause: unknown;
}

function notJson(what: "line" | "file", text: string, { name, line, cause }: Place): BasinError {
  const spot = jsonSpot(text);
  const fix =
    what === "line"
      ? "Each line must hold one JSON object; an array of objects must begin with [."
      : "Mend the file, or write one JSON object per line without brackets around them.";
  if (spot === null)
    return new BasinError({ what: `The ${what} is not valid JSON: ${messageOf(cause)}`, where: name, fix, cause });
  return new BasinError({
    what: `The ${what} is not valid JSON at column ${spot.column}: ${spot.what}: ${spot.spot}`,
    where: `${name} line ${line + spot.line}`,
    fix,
    cause,
  });
}

/** @param text how the row is written in the file, if it has a line of its own */
function located(value: unknown, where: string, text?: string): Located {
  if (!isRecord(value)) {
    const column = text === undefined ? 0 : text.length - text.trimStart().length + 1;
    const spot = text === undefined ? "" : `, at column ${column}: ${text.trim().slice(0, 40)}`;
    throw new BasinError({
      what: `The row is ${kindOf(value)}, not an object${spot}`,
      where,
      fix:
        'A row is an object with named fields, such as {"instruction": "…", "output": "…"}; ' +
        'a conversation is {"messages": […]}.',
    });
  }
  return { value, where };
}
