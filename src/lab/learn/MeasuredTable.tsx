/** @file Rows of a measured table, with the value of each seed. */
import type { JSX } from "react";
import { summarise } from "../../eval/statistics/summary.ts";
import { MEASURED_TABLE } from "./copy.ts";
import tables from "../ui/tables.module.css";
import css from "./learn.module.css";
import type { Measured } from "./measured.ts";

export interface MeasuredTableProps {
  /** Title of the first column. */
  readonly head: string;
  readonly rows: readonly Measured[];
  /** Only these rows, in this order; all by default. */
  readonly only?: readonly string[];
}

export function MeasuredTable({ head, rows, only }: MeasuredTableProps): JSX.Element {
  const shown = only === undefined ? rows : only.flatMap((name) => rows.filter(({ method }) => method === name));
  return (
    <div className={css.scroll} tabIndex={0} role="group" aria-label={MEASURED_TABLE.label(head)}>
      <table className={`${tables.table} ${css.results}`}>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col">{MEASURED_TABLE.harmful}</th>
            <th scope="col">{MEASURED_TABLE.accuracy}</th>
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
