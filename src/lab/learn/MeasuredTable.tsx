/** @file Rows of a measured table, seed by seed. */
import type { JSX } from "react";
import { summarise } from "../../eval/statistics/summary.ts";
import css from "./learn.module.css";
import type { Measured } from "./measured.ts";

export interface MeasuredTableProps {
  /** Title of the first column. */
  readonly head: string;
  readonly rows: readonly Measured[];
  /** These rows, in this order; all without it. */
  readonly only?: readonly string[];
}

export function MeasuredTable({ head, rows, only }: MeasuredTableProps): JSX.Element {
  const shown = only === undefined ? rows : only.flatMap((name) => rows.filter(({ method }) => method === name));
  return (
    <div className={css.scroll} tabIndex={0} role="group" aria-label={`Measured: ${head}`}>
      <table className={css.results}>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col">Harmful score, %</th>
            <th scope="col">Task accuracy, %</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ method, harmful, accuracy }) => (
            <tr key={method}>
              <th scope="row">{method}</th>
              <td>{withSeeds(harmful)}</td>
              <td>{withSeeds(accuracy)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function withSeeds(values: readonly number[]): string {
  return `${summarise(values).mean.toFixed(1)} (${values.join(", ")})`;
}
