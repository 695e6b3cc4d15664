/** @file The matrix: a row for what differs, its figures over seeds, and a cell for each seed that opens its run. */
import { Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { JSX } from "react";
import { axisText, pText, shownAxes, shownFigures } from "../../experiment/table/exports.ts";
import { describeLabels, type Cell } from "../../experiment/table/expand.ts";
import type { CellState, Figure, FigureName, TableRow } from "../../experiment/table/report.ts";
import { SEED_AXIS } from "../../experiment/table/tableSpec.ts";
import { useLab } from "../shell/app/labContext.ts";
import { useView } from "../shell/app/viewStore.ts";
import { methodColor } from "../run/labels.ts";
import type { TablePlan } from "./tableController.ts";
import css from "./table.module.css";

type Ready = Extract<TablePlan, { kind: "ready" }>;

const HEADS: Readonly<Record<FigureName, string>> = {
  harmful_score: "Harmful score",
  task_accuracy: "Task accuracy",
  perplexity: "Perplexity",
  benign_compliance: "Harmless answered",
};
const COLORS: Readonly<Record<FigureName, string>> = {
  harmful_score: "--unaligned",
  task_accuracy: "--aligned",
  perplexity: "--aligned",
  benign_compliance: "--tuned",
};

export function TableMatrix({ plan }: { readonly plan: Ready }): JSX.Element {
  const { report, table } = plan;
  const axes = shownAxes(report);
  const found = shownFigures(report);
  const figures: readonly FigureName[] =
    found.length > 0 ? found : ["harmful_score", "task_accuracy", "benign_compliance"];
  const seeds = table.axes.find(({ name }) => name === SEED_AXIS)?.values.map(({ label }) => label) ?? [];
  const compared = report.rows.some(({ against }) => against !== null);
  return (
    <div className={css.scroll}>
      <table className={css.matrix} data-testid="table-matrix">
        <thead>
          <tr>
            {axes.map((axis) => (
              <th key={axis} scope="col">
                {axisHead(axis)}
              </th>
            ))}
            {axes.length === 0 && <th scope="col">Experiment</th>}
            {figures.map((name) => (
              <th key={name} scope="col" className={css.num}>
                {HEADS[name]}
                <span className={css.sub}>{name === "perplexity" ? "" : "%, "}mean ± sd, was before</span>
              </th>
            ))}
            {compared && (
              <th scope="col" className={css.num}>
                Against {report.baseline}
                <span className={css.sub}>harmful score, points; McNemar</span>
              </th>
            )}
            <th scope="col">{seeds.length > 0 ? "Seeds" : "Run"}</th>
          </tr>
        </thead>
        <tbody>
          {report.rows.map((row) => (
            <tr key={row.title}>
              {axes.map((axis, i) => (
                <th key={axis} scope="row" data-label={axisHead(axis)}>
                  {i === 0 && <Swatch plan={plan} row={row} />}
                  {axisText(row, axis, axes)}
                </th>
              ))}
              {axes.length === 0 && <th scope="row">{table.name ?? "Base"}</th>}
              {figures.map((name) => (
                <td key={name} className={css.num} data-label={HEADS[name]}>
                  <FigureCell figure={row.figures[name]} color={COLORS[name]} />
                </td>
              ))}
              {compared && (
                <td className={css.num} data-label={`Against ${report.baseline ?? ""}`}>
                  <AgainstCell row={row} />
                </td>
              )}
              <td className={css.seeds} data-label="Seeds">
                {row.moment === "after" ? (
                  cellsOf(plan, row).map(([cell, state]) => <SeedCell key={cell.key} cell={cell} state={state} />)
                ) : (
                  <span className={css.sub}>the same runs</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function axisHead(axis: string): string {
  const names: Readonly<Record<string, string>> = {
    method: "Method",
    task: "Task",
    n: "Rows",
    harmful_ratio: "Harmful share",
    lambda: "λ",
    learning_rate: "Learning rate",
    r: "Rank r",
  };
  return names[axis] ?? axis;
}

function cellsOf({ cells, states }: Ready, row: TableRow): readonly (readonly [Cell, CellState])[] {
  const own = cells.filter(({ labels }) => Object.entries(row.labels).every(([axis, label]) => labels[axis] === label));
  return [...new Map(own.map((cell) => [cell.key, cell])).values()].map(
    (cell) => [cell, states.get(cell.key) ?? { kind: "waiting" }] as const,
  );
}

function Swatch({ plan, row }: { readonly plan: Ready; readonly row: TableRow }): JSX.Element | null {
  const cell = cellsOf(plan, row)[0]?.[0];
  return cell === undefined ? null : (
    <span
      className={css.swatch}
      style={{
        borderColor: `var(${methodColor(cell.spec.method)})`,
        ...(row.moment === "after" ? {} : { borderTopStyle: "dashed" }),
      }}
    />
  );
}

function FigureCell({ figure, color }: { readonly figure: Figure | null; readonly color: string }): JSX.Element {
  if (figure === null) return <span className={css.sub}>–</span>;
  const { after, before, pooled } = figure;
  return (
    <span
      title={
        pooled === null
          ? undefined
          : `${pooled.hits} of ${pooled.count} prompts; 95 % interval ${pooled.ci95.low.toFixed(1)} to ${pooled.ci95.high.toFixed(1)}`
      }
    >
      <span className={css.mean}>{after.mean.toFixed(1)}</span>
      {after.sd !== null && <span className={css.sd}> ± {after.sd.toFixed(1)}</span>}
      {pooled !== null && (
        <span className={css.mini} aria-hidden="true">
          <span className={css.miniAxis} />
          <span
            className={css.miniInterval}
            style={{
              left: `${pooled.ci95.low}%`,
              width: `${pooled.ci95.high - pooled.ci95.low}%`,
              background: `var(${color})`,
            }}
          />
          <span className={css.miniPoint} style={{ left: `${pooled.percent}%`, background: `var(${color})` }} />
        </span>
      )}
      <span className={css.sub}>was {before.mean.toFixed(1)}</span>
    </span>
  );
}

function AgainstCell({ row: { against } }: { readonly row: TableRow }): JSX.Element {
  const difference = against?.harmful_score ?? null;
  if (difference === null) return <span className={css.sub}>–</span>;
  const { mean, ci95, mcnemar } = difference;
  return (
    <span title={ci95 === null ? undefined : `Bootstrap over seeds: ${ci95.low.toFixed(1)} to ${ci95.high.toFixed(1)}`}>
      <span className={css.mean}>
        {mean.mean > 0 ? "+" : mean.mean < 0 ? "−" : ""}
        {Math.abs(mean.mean).toFixed(1)}
      </span>
      {mcnemar !== null && (
        <span className={css.sub}>
          {mcnemar.baselineOnly} : {mcnemar.otherOnly}, p {mcnemar.p < 0.0001 ? "" : "= "}
          {pText(mcnemar.p)}
        </span>
      )}
    </span>
  );
}

function SeedCell({ cell, state }: { readonly cell: Cell; readonly state: CellState }): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const seed = cell.labels[SEED_AXIS];
  const name = describeLabels(cell.labels);
  const open = (): void => {
    if (state.kind === "running") show("run");
    if (state.kind === "failed")
      notifications.show({
        title: `${name} failed`,
        message: `${state.failure.what} (${state.failure.where}). ${state.failure.fix}`,
        color: "red",
        autoClose: 12_000,
      });
    if (state.kind !== "finished") return;
    if (lab.run.show(state.outcome.run)) show("run");
    else show("runs");
  };
  const figure =
    state.kind === "finished"
      ? (state.outcome.scores.after.harmful_score ?? state.outcome.scores.after.task_accuracy)
      : null;
  const text =
    state.kind === "finished"
      ? figure === null
        ? "✓"
        : figure.percent.toFixed(0)
      : state.kind === "failed"
        ? "!"
        : state.kind === "running"
          ? "…"
          : "";
  return (
    <Tooltip label={stateText(seed, state)}>
      <button
        type="button"
        className={css.seed}
        data-state={state.kind}
        onClick={open}
        aria-disabled={state.kind === "waiting"}
        aria-label={`${name}: ${stateText(seed, state)}`}
      >
        {text}
      </button>
    </Tooltip>
  );
}

function stateText(seed: string | undefined, state: CellState): string {
  const which = seed === undefined ? "" : `Seed ${seed}: `;
  switch (state.kind) {
    case "waiting":
      return `${which}waits`;
    case "running":
      return `${which}running`;
    case "failed":
      return `${which}failed: ${state.failure.what}`;
    case "finished": {
      const { harmful_score, task_accuracy } = state.outcome.scores.after;
      const figures = [
        harmful_score && `harmful ${harmful_score.percent.toFixed(0)} %`,
        task_accuracy && `accuracy ${task_accuracy.percent.toFixed(0)} %`,
      ]
        .filter(Boolean)
        .join(", ");
      return `${which}${figures === "" ? "finished" : figures}. Open the run`;
    }
  }
}
