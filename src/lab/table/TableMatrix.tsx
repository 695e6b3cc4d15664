/** @file The matrix: a row for each combination of the axes, its scores over seeds, and a cell for each seed's run. */
import type { JSX } from "react";
import { axisText, shownAxes, shownFigures } from "../../experiment/table/exports.ts";
import type { FigureName, TableRow } from "../../experiment/table/report.ts";
import { SEED_AXIS } from "../../experiment/table/tableSpec.ts";
import { methodColor } from "../run/labels.ts";
import { AXES, MATRIX } from "./copy.ts";
import { AgainstCell, cellsOf, FigureCell, SeedCell, type ReadyPlan } from "./TableCells.tsx";
import text from "../ui/text.module.css";
import css from "./matrix.module.css";

/** Columns before any run has finished. */
const USUAL_FIGURES: readonly FigureName[] = ["harmful_score", "task_accuracy", "benign_compliance"];

export function TableMatrix({ plan }: { readonly plan: ReadyPlan }): JSX.Element {
  const { report, table } = plan;
  const axes = shownAxes(report);
  const found = shownFigures(report);
  const figures = found.length > 0 ? found : USUAL_FIGURES;
  const hasSeeds = table.axes.some(({ name, values }) => name === SEED_AXIS && values.length > 0);
  const compared = report.baseline !== null && report.rows.some(({ against }) => against !== null);
  const baseline = compared ? report.baseline : null;
  return (
    <div className={css.scroll}>
      <table className={css.matrix} data-testid="table-matrix">
        <thead>
          <tr>
            {axes.map((axis) => (
              <th key={axis} scope="col">
                {axisTitle(axis)}
              </th>
            ))}
            {axes.length === 0 && <th scope="col">{MATRIX.experiment}</th>}
            {figures.map((name) => (
              <th key={name} scope="col" className={css.num}>
                {MATRIX.figures[name]}
                <span className={text.sub}>{name === "perplexity" ? MATRIX.perplexityHint : MATRIX.percentHint}</span>
              </th>
            ))}
            {baseline !== null && (
              <th scope="col" className={css.num}>
                {MATRIX.compared(baseline)}
                <span className={text.sub}>{MATRIX.comparedHint}</span>
              </th>
            )}
            <th scope="col">{hasSeeds ? MATRIX.seeds : MATRIX.run}</th>
          </tr>
        </thead>
        <tbody>
          {report.rows.map((row) => (
            <MatrixRow key={row.title} plan={plan} row={row} axes={axes} figures={figures} baseline={baseline} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface MatrixRowProps {
  readonly plan: ReadyPlan;
  readonly row: TableRow;
  readonly axes: readonly string[];
  readonly figures: readonly FigureName[];
  /** null: no comparison. */
  readonly baseline: string | null;
}

function MatrixRow({ plan, row, axes, figures, baseline }: MatrixRowProps): JSX.Element {
  return (
    <tr>
      {axes.map((axis, i) => (
        <th key={axis} scope="row" data-label={axisTitle(axis)}>
          {i === 0 && <Swatch plan={plan} row={row} />}
          {axisText(row, axis, axes)}
        </th>
      ))}
      {axes.length === 0 && <th scope="row">{plan.table.name ?? MATRIX.base}</th>}
      {figures.map((name) => (
        <td key={name} className={css.num} data-label={MATRIX.figures[name]}>
          <FigureCell name={name} figure={row.figures[name]} />
        </td>
      ))}
      {baseline !== null && (
        <td className={css.num} data-label={MATRIX.compared(baseline)}>
          <AgainstCell row={row} />
        </td>
      )}
      <td className={css.seeds} data-label={MATRIX.seeds}>
        {row.moment === "after" ? (
          cellsOf(plan, row).map(([cell, state]) => <SeedCell key={cell.key} cell={cell} state={state} />)
        ) : (
          <span className={text.sub}>{MATRIX.sameRuns}</span>
        )}
      </td>
    </tr>
  );
}

function Swatch({ plan, row }: { readonly plan: ReadyPlan; readonly row: TableRow }): JSX.Element | null {
  const cell = cellsOf(plan, row)[0]?.[0];
  return cell === undefined ? null : (
    <span
      className={text.swatch}
      style={{
        borderColor: `var(${methodColor(cell.spec.method)})`,
        ...(row.moment === "after" ? {} : { borderTopStyle: "dashed" }),
      }}
    />
  );
}

/** The title of an axis, or its path if it has none. */
export function axisTitle(axis: string): string {
  return AXES[axis] ?? axis;
}
