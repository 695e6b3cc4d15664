/** @file The result of an analysis as text: cells as people read them, and its tables as CSV. */
import { csvText } from "../../base/tableText.ts";
import type { ResultCell, ResultColumn, ResultTable } from "../../analysis/analysis.ts";

/** A cell as it is shown; an en dash for what is not defined. */
export function cellText(value: ResultCell | undefined, format: ResultColumn["format"]): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  switch (format) {
    case "integer":
    case "text":
      return String(value);
    case "cosine":
      return value.toFixed(3);
    case "number":
      return Number(value.toPrecision(4)).toString();
  }
}

/** CSV with the columns' keys as header; numbers in full. */
export function tableCsv({ columns, rows }: ResultTable): string {
  return csvText(
    rows,
    columns.map(({ key }) => key),
  );
}
