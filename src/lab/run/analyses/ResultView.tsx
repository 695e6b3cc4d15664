/** @file The result of an analysis, drawn from the description of its figures and columns alone. */
import type { JSX } from "react";
import type { AnalysisResult, ResultCell, ResultColumn, ResultTable } from "../../../analysis/analysis.ts";
import { cellText } from "../../../experiment/analyse/cellText.ts";
import { Bar } from "../Bar.tsx";
import bars from "../bar.module.css";
import run from "../run.module.css";
import tables from "../table.module.css";
import css from "./analyses.module.css";
import { ANALYSES_COPY } from "./copy.ts";

export function ResultView({
  result: { figures, tables: found, notes },
}: {
  readonly result: AnalysisResult;
}): JSX.Element {
  return (
    <>
      <dl className={run.facts}>
        {figures.map(({ title, value, unit }) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>
              {cellText(value, "number")}
              {unit !== undefined && ` ${unit}`}
            </dd>
          </div>
        ))}
      </dl>
      {found.map((table) => (
        <TableView key={table.id} table={table} />
      ))}
      {notes.map((note) => (
        <p key={note} className={css.question}>
          {note}
        </p>
      ))}
    </>
  );
}

function TableView({ table: { title, columns, rows } }: { readonly table: ResultTable }): JSX.Element {
  const scales = new Map(columns.map((column) => [column.key, scaleOf(column, rows)]));
  return (
    <div
      className={`${tables.scroll} ${css.table}`}
      tabIndex={0}
      role="region"
      aria-label={ANALYSES_COPY.region(title)}
    >
      <table className={tables.table}>
        <caption>{title}</caption>
        <thead>
          <tr>
            {columns.map(({ key, title: heading, format }) => (
              <th key={key} scope="col" className={format === "text" ? undefined : tables.number}>
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <Cell key={column.key} column={column} value={row[column.key]} scale={scales.get(column.key) ?? 0} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The largest magnitude of a column that has bars; a cosine's is 1. */
function scaleOf({ key, format, draw }: ResultColumn, rows: ResultTable["rows"]): number {
  if (draw !== "bar") return 0;
  if (format === "cosine") return 1;
  return rows.reduce((most, row) => Math.max(most, Math.abs(Number(row[key] ?? 0))), 0);
}

interface CellProps {
  readonly column: ResultColumn;
  readonly value: ResultCell | undefined;
  readonly scale: number;
}

function Cell({ column: { format }, value, scale }: CellProps): JSX.Element {
  if (format === "text") {
    return (
      <th scope="row" className={tables.path}>
        {cellText(value, format)}
      </th>
    );
  }
  return (
    <td className={tables.number}>
      {typeof value === "number" && scale > 0 && <Bar share={value / scale} />}
      <span className={bars.value}>{cellText(value, format)}</span>
    </td>
  );
}
