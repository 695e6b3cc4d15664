/** @file Some rows of the apothecary table: what was measured, seed by seed. */
import type { JSX } from "react";
import { summarise } from "../../eval/statistics/summary.ts";
import css from "./learn.module.css";
import { MEASURED_ROWS } from "./measured.ts";

export function MeasuredTable({ methods }: { readonly methods: readonly string[] }): JSX.Element {
  const rows = methods.flatMap((name) => MEASURED_ROWS.filter(({ method }) => method === name));
  return (
    <div className={css.scroll} tabIndex={0} role="group" aria-label="Measured in the apothecary world">
      <table className={css.results}>
        <thead>
          <tr>
            <th scope="col">Apothecary world, after training</th>
            <th scope="col">Harmful score, %</th>
            <th scope="col">Task accuracy, %</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ method, harmful, accuracy }) => (
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
