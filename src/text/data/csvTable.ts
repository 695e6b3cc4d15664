/**
 * @file Comma-, semicolon- or tab-separated values as a table: first line the column names, quotes as in RFC 4180 (a
 * field in quotes may hold delimiters, line breaks and doubled quotes). Papa Parse splits; here is what a person needs
 * to find a bad row: lines are counted as an editor does, also behind fields with line breaks.
 */
import { BasinError } from "../../base/error.ts";
import type { Table, TableRow } from "./table.ts";

/**
 * @throws BasinError for an empty file, a bad header, an unclosed quote, or a row with more or fewer fields than the
 *   header
 */
export async function csvTable(text: string, name: string, maxRows = Infinity): Promise<Table> {
  const { default: Papa } = await import("papaparse");
  const whole = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  // What spreadsheets write into a first line of their own; an empty line keeps the others' numbers.
  const declared = /^"?sep=(.)"?(?=\n)/.exec(whole);
  const body = declared === null ? whole : whole.slice(declared[0].length);
  const records: { readonly fields: readonly string[]; readonly line: number }[] = [];
  let problem: BasinError | null = null;
  let [cursor, line] = [0, 1];
  Papa.parse<string[]>(body, {
    delimiter: declared?.[1] ?? delimiterOf(body),
    skipEmptyLines: false,
    step: ({ data, errors, meta }, parser) => {
      const from = line;
      for (let at = body.indexOf("\n", cursor); at >= 0 && at < meta.cursor; at = body.indexOf("\n", at + 1)) line += 1;
      // Old Macintosh line ends: no \n at all.
      if (meta.linebreak === "\r") line += body.slice(cursor, meta.cursor).split("\r").length - 1;
      cursor = meta.cursor;
      const quote = errors.find(({ type }) => type === "Quotes");
      if (quote !== undefined) problem = badQuote(quote.code, name, from);
      else if (data.length > 1 || data[0]?.trim() !== "") records.push({ fields: data, line: from });
      if (problem !== null || records.length > maxRows) parser.abort();
    },
  });
  if (problem !== null) throw problem;
  const [header, ...found] = records;
  if (header === undefined)
    throw new BasinError({
      what: "The dataset is empty",
      where: name,
      fix: "Give a first line of column names and at least one row.",
    });
  const columns = columnNames(header.fields);
  const rows = found.slice(0, maxRows).map(({ fields, line: at }): TableRow => {
    // A trailing delimiter makes one empty field more: nothing is lost by taking it away.
    const extra = fields.length > columns.length && fields.slice(columns.length).every((field) => field === "");
    if (fields.length !== columns.length && !extra) throw ragged(fields, columns, name, at);
    return Object.fromEntries(columns.map((column, i) => [column, fields[i] ?? ""]));
  });
  return { name, columns, rows, where: (row) => `${name} line ${found[row]?.line ?? row + 2}`, labelNames: new Map() };
}

/**
 * What parts the names of the first line: column names hold no delimiters, texts in the rows do. A first line without
 * any is a single column (parted by a character that no text has).
 */
function delimiterOf(body: string): string {
  const first = (/[^\r\n]+/.exec(body)?.[0] ?? "").replaceAll(/"[^"]*"/g, "");
  const counts = [",", "\t", ";", "|"].map((delimiter) => ({ delimiter, count: first.split(delimiter).length - 1 }));
  const best = counts.reduce((a, b) => (b.count > a.count ? b : a));
  return best.count === 0 ? "\u001f" : best.delimiter;
}

/**
 * Names as pandas gives them: a column without one is "Unnamed: 0" by its place (the index that DataFrame.to_csv
 * writes), and a second "text" is "text.1".
 */
function columnNames(fields: readonly string[]): string[] {
  const names: string[] = [];
  for (const [i, field] of fields.entries()) {
    const name = field.trim() === "" && fields.length > 1 ? `Unnamed: ${i}` : field.trim();
    let unique = name;
    for (let n = 1; names.includes(unique); n += 1) unique = `${name}.${n}`;
    names.push(unique);
  }
  return names;
}

function ragged(fields: readonly string[], columns: readonly string[], name: string, line: number): BasinError {
  const more = fields.length > columns.length;
  return new BasinError({
    what:
      `The row has ${fields.length} field${fields.length === 1 ? "" : "s"}, the first line names ${columns.length} ` +
      `(${columns.join(", ")})`,
    where: `${name} line ${line}`,
    fix: more
      ? 'Put quotes around a text that holds the delimiter: "one, two". Quotes inside are doubled: "say ""yes""".'
      : "Give every column a field, an empty one where there is nothing; a text with line breaks needs quotes around " +
        "it.",
  });
}

function badQuote(code: string, name: string, line: number): BasinError {
  return code === "MissingQuotes"
    ? new BasinError({
        what: "A quote is opened here and never closed",
        where: `${name} line ${line}`,
        fix: 'Close the quote at the end of the text; double a quote inside it: "say ""yes""".',
      })
    : new BasinError({
        what: "There is text after the closing quote",
        where: `${name} line ${line}`,
        fix: 'Put the whole field in quotes and double those inside it: "say ""yes""".',
      });
}
