/** @file Plain text as a table with one column: paragraphs, which blank lines part. */
import type { Table } from "./table.ts";

export function textTable(text: string, name: string, maxRows = Infinity): Table {
  const found: { readonly text: string; readonly line: number }[] = [];
  let paragraph: string[] = [];
  const lines = text
    .replace(/^\ufeff/, "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  lines.forEach((line, i) => {
    if (line.trim() !== "") paragraph.push(line);
    if (paragraph.length > 0 && (line.trim() === "" || i === lines.length - 1)) {
      const last = line.trim() === "" ? i : i + 1;
      found.push({ text: paragraph.join("\n"), line: last - paragraph.length + 1 });
      paragraph = [];
    }
  });
  const taken = found.slice(0, maxRows);
  return {
    name,
    columns: taken.length === 0 ? [] : ["text"],
    rows: taken.map(({ text: content }) => ({ text: content })),
    where: (row) => `${name} line ${taken[row]?.line ?? 1}`,
    labelNames: new Map(),
  };
}
