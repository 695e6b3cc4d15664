/**
 * @file Tables as text for other programs: CSV and Markdown, escaped in one place.
 *
 * CSV is RFC 4180, quoted by papaparse. A text that a spreadsheet would take for a formula (it begins with = + - @, a
 * tab or a line break) gets an apostrophe in front, as OWASP advises: names and paths may come from a stranger's link.
 * Numbers stay numbers. In Markdown a cell is one line, and its pipes and backslashes are escaped.
 */
import Papa from "papaparse";

export type CsvCell = string | number | boolean | null | undefined;
export type CsvRow = Readonly<Record<string, CsvCell>>;

const FORMULA = /^[=+\-@\t\r\n]/;

/**
 * A header and one line a row. @param columns all columns of all rows, in the order in which they first occur, unless
 * given
 */
export function csvText(rows: readonly CsvRow[], columns: readonly string[] = columnsOf(rows)): string {
  const data = rows.map((row) => columns.map((column) => row[column] ?? ""));
  return `${Papa.unparse({ fields: [...columns], data }, { newline: "\r\n", escapeFormulae: FORMULA })}\r\n`;
}

function columnsOf(rows: readonly CsvRow[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** A table of GitHub-flavoured Markdown, without a line break at its end. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownCell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

function markdownCell(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("|", "\\|")
    .replaceAll(/[\r\n]+/g, " ");
}
