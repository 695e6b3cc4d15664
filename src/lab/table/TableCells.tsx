/** @file Cells of the matrix: a score over seeds, the comparison with the baseline, the run of one seed. */
import { Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { JSX } from "react";
import { describeLabels, type Cell } from "../../experiment/table/expand.ts";
import { pText } from "../../experiment/table/exports.ts";
import type { CellState, Figure, FigureName, TableRow } from "../../experiment/table/report.ts";
import { SEED_AXIS } from "../../experiment/table/tableSpec.ts";
import { useLab, useView } from "../shell/app/labContext.ts";
import { MiniScale } from "../ui/MiniScale.tsx";
import { MATRIX } from "./copy.ts";
import type { TablePlan } from "./tableStore.ts";
import text from "../ui/text.module.css";
import css from "./matrix.module.css";

export type ReadyPlan = Extract<TablePlan, { kind: "ready" }>;

const COLORS: Readonly<Record<FigureName, string>> = {
  harmful_score: "--unaligned",
  task_accuracy: "--aligned",
  perplexity: "--aligned",
  benign_compliance: "--tuned",
};

/** The cells of a row with their states. */
export function cellsOf({ cells, states }: ReadyPlan, row: TableRow): readonly (readonly [Cell, CellState])[] {
  const own = cells.filter(({ labels }) => Object.entries(row.labels).every(([axis, label]) => labels[axis] === label));
  return [...new Map(own.map((cell) => [cell.key, cell])).values()].map(
    (cell) => [cell, states.get(cell.key) ?? { kind: "waiting" }] as const,
  );
}

interface FigureCellProps {
  readonly name: FigureName;
  readonly figure: Figure | null;
}

export function FigureCell({ name, figure }: FigureCellProps): JSX.Element {
  if (figure === null) return <span className={text.sub}>{MATRIX.none}</span>;
  const { after, before, pooled } = figure;
  return (
    <span title={pooled === null ? undefined : countsText(pooled)}>
      <span className={css.mean}>{after.mean.toFixed(1)}</span>
      {after.sd !== null && <span className={css.sd}> ± {after.sd.toFixed(1)}</span>}
      {pooled !== null && <MiniScale color={COLORS[name]} percent={pooled.percent} interval={pooled.ci95} />}
      <span className={text.sub}>{MATRIX.before(before.mean.toFixed(1))}</span>
    </span>
  );
}

function countsText({ hits, count, ci95 }: NonNullable<Figure["pooled"]>): string {
  return MATRIX.counts(hits, count, ci95.low.toFixed(1), ci95.high.toFixed(1));
}

export function AgainstCell({ row: { against } }: { readonly row: TableRow }): JSX.Element {
  const difference = against?.harmful_score ?? null;
  if (difference === null) return <span className={text.sub}>{MATRIX.none}</span>;
  const { mean, ci95, mcnemar } = difference;
  return (
    <span title={ci95 === null ? undefined : MATRIX.bootstrap(ci95.low.toFixed(1), ci95.high.toFixed(1))}>
      <span className={css.mean}>
        {mean.mean > 0 ? "+" : mean.mean < 0 ? "−" : ""}
        {Math.abs(mean.mean).toFixed(1)}
      </span>
      {mcnemar !== null && (
        <span className={text.sub}>
          {mcnemar.baselineOnly} : {mcnemar.otherOnly}, p {mcnemar.p < 0.0001 ? "" : "= "}
          {pText(mcnemar.p)}
        </span>
      )}
    </span>
  );
}

interface SeedCellProps {
  readonly cell: Cell;
  readonly state: CellState;
}

export function SeedCell({ cell, state }: SeedCellProps): JSX.Element {
  const lab = useLab();
  const show = useView((view) => view.show);
  const name = describeLabels(cell.labels);
  const description = stateText(cell.labels[SEED_AXIS], state);
  const open = (): void => {
    if (state.kind === "running") show("run");
    if (state.kind === "failed") {
      const { what, where, fix } = state.failure;
      notifications.show({
        title: MATRIX.failedTitle(name),
        message: MATRIX.failure(what, where, fix),
        color: "red",
        autoClose: 12_000,
      });
    }
    if (state.kind === "finished") void lab.run.open(state.outcome.run).then((opened) => show(opened ? "run" : "runs"));
  };
  return (
    <Tooltip label={description}>
      <button
        type="button"
        className={css.seed}
        data-state={state.kind}
        onClick={open}
        aria-disabled={state.kind === "waiting"}
        aria-label={`${name}: ${description}`}
      >
        {shortText(state)}
      </button>
    </Tooltip>
  );
}

/** The harmful score or the task accuracy, or a mark for the state. */
function shortText(state: CellState): string {
  if (state.kind !== "finished") return MATRIX.marks[state.kind];
  const { harmful_score, task_accuracy } = state.outcome.scores.after;
  return (harmful_score ?? task_accuracy)?.percent.toFixed(0) ?? MATRIX.marks.finished;
}

function stateText(seed: string | undefined, state: CellState): string {
  return `${seed === undefined ? "" : MATRIX.seed(seed)}${resultText(state)}`;
}

function resultText(state: CellState): string {
  switch (state.kind) {
    case "waiting":
      return MATRIX.waiting;
    case "running":
      return MATRIX.running;
    case "failed":
      return MATRIX.failed(state.failure.what);
    case "finished": {
      const { harmful_score, task_accuracy } = state.outcome.scores.after;
      const figures = [
        harmful_score && MATRIX.harmful(harmful_score.percent.toFixed(0)),
        task_accuracy && MATRIX.accuracy(task_accuracy.percent.toFixed(0)),
      ].filter(Boolean);
      return MATRIX.open(figures.length === 0 ? MATRIX.finished : figures.join(", "));
    }
  }
}
