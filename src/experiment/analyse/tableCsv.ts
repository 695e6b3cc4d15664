/** @file The tables of an analysis as CSV. */
import { csvText } from "../../base/tableText.ts";
import type { ResultTable } from "../../analysis/analysis.ts";

/** CSV with the columns' keys as header; numbers in full. */
export function tableCsv({ columns, rows }: ResultTable): string {
  return csvText(
    rows,
    columns.map(({ key }) => key),
  );
}
