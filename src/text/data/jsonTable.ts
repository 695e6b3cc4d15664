/** @file JSON Lines, or one JSON array of objects, as a table. Every error names the file and the line. */
import { isRecord } from "../../base/records.ts";
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
      throw new BasinError({
        what: `The line is not valid JSON: ${messageOf(cause)}`,
        where,
        fix: "Each line must hold one JSON object; an array of objects must begin with [.",
        cause,
      });
    }
    out.push(located(value, where));
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
    const message = messageOf(cause);
    // Engines word it differently: "at position 12", "at line 3 column 5".
    const position = /position (\d+)/.exec(message)?.[1];
    const line =
      position === undefined
        ? /line (\d+)/.exec(message)?.[1]
        : String(text.slice(0, Number(position)).split("\n").length);
    throw new BasinError({
      what: `The file is not valid JSON: ${message}`,
      where: line === undefined ? name : `${name} line ${line}`,
      fix: "Mend the file, or write one JSON object per line without brackets around them.",
      cause,
    });
  }
  return Array.isArray(value)
    ? value.slice(0, maxRows).map((item: unknown, i) => located(item, `${name} row ${i + 1}`))
    : [];
}

function located(value: unknown, where: string): Located {
  if (!isRecord(value)) {
    throw new BasinError({
      what: `The row is ${kindOf(value)}, not an object`,
      where,
      fix: 'A row is an object with named fields, such as {"instruction": "…", "output": "…"}.',
    });
  }
  return { value, where };
}
