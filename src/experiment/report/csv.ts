/**
 * @file Runs, steps and scores as rows of CSV.
 */
import { isRecord } from "../../base/records.ts";
import { csvText, type CsvCell as Cell, type CsvRow as Row } from "../../base/tableText.ts";
import { rateBounds } from "../../eval/scores.ts";

import type { Rate, Scores } from "../run/events.ts";
import { endScores, outcomeOf, type ReportRun } from "./reportRun.ts";

const RATES = ["harmful_score", "second_harmful_score", "task_accuracy", "benign_compliance"] as const;

/** A run without its steps: how many there are, and the cross-entropy of the last; null without any. */
export interface CsvRun extends Omit<ReportRun, "steps" | "answers" | "modules"> {
  readonly steps: { readonly count: number; readonly lastCe: number | null };
}

/** One row per run: what came out, what it ran on, and every field of its spec under its path. */
export function runsCsv(runs: readonly CsvRun[]): string {
  const rows = runs.map((run): Row => {
    const { before, after } = endScores(run);
    const report = run.ending.kind === "finished" ? run.ending.report : null;
    return {
      run: run.runId,
      ended: run.endedAt === null ? null : new Date(run.endedAt).toISOString(),
      outcome: outcomeOf(run),
      failure: run.ending.kind === "failed" ? run.ending.failure.what : null,
      ...scoreCells("before", before),
      ...scoreCells("after", after),
      overrides: run.overridden?.overrides ?? null,
      after_harmful_score_with_overrides: finite(run.overridden?.rate.percent),
      steps: run.steps.count,
      last_ce: run.steps.lastCe,
      wall_time_s: report?.wall_time_s ?? null,
      device: report?.device ?? null,
      basin: report?.versions.basin ?? null,
      judge: report?.judge ?? null,
      second_judge: report?.second_judge ?? null,
      task: report?.task ?? null,
      tags: run.tags?.join(", ") ?? null,
      note: run.note ?? null,
      ...flattened(run.spec, "spec"),
    };
  });
  return csvText(rows);
}

/** One row per optimiser step: the fields of metrics.jsonl. */
export function stepsCsv({ steps }: Pick<ReportRun, "steps">): string {
  return csvText(steps.map((step): Row => ({ ...step, stream: step.stream ?? "user" })));
}

/** One row per figure and evaluation. */
export function scoresCsv({ evaluations }: Pick<ReportRun, "evaluations">): string {
  return csvText(
    evaluations.flatMap(({ when, step, scores }) => [
      ...RATES.flatMap((figure): Row[] => {
        const rate = scores[figure];
        return rate == null
          ? []
          : [
              {
                when,
                step,
                figure,
                value: finite(rate.percent),
                low: rateBounds(rate).low,
                high: rateBounds(rate).high,
                hits: rate.hits,
                count: rate.count,
                interval: "Wilson 95 %",
              },
            ];
      }),
      ...(scores.perplexity == null
        ? []
        : [
            {
              when,
              step,
              figure: "perplexity",
              value: finite(scores.perplexity.perplexity),
              low: scores.perplexity.ci95?.low ?? null,
              high: scores.perplexity.ci95?.high ?? null,
              hits: null,
              count: scores.perplexity.tokens,
              interval: "bootstrap over rows 95 %",
            },
          ]),
    ]),
  );
}

function scoreCells(moment: "before" | "after", scores: Scores | null): Row {
  return {
    ...Object.assign({}, ...RATES.map((name) => rateCells(`${moment}_${name}`, scores?.[name] ?? null))),
    [`${moment}_perplexity`]: finite(scores?.perplexity?.perplexity),
    [`${moment}_perplexity_low`]: scores?.perplexity?.ci95?.low ?? null,
    [`${moment}_perplexity_high`]: scores?.perplexity?.ci95?.high ?? null,
  } as Row;
}

/** Percent, its Wilson interval, and the counts. */
function rateCells(name: string, rate: Rate | null): Row {
  const bounds = rate && rateBounds(rate);
  return {
    [name]: finite(rate?.percent),
    [`${name}_low`]: bounds?.low ?? null,
    [`${name}_high`]: bounds?.high ?? null,
    [`${name}_hits`]: rate?.hits ?? null,
    [`${name}_count`]: rate?.count ?? null,
  };
}

/** {train: {seed: 1}} -> spec.train.seed: 1; lists as JSON. */
function flattened(value: object, path: string): Row {
  const cells: Record<string, Cell> = {};
  for (const [key, inner] of Object.entries(value)) {
    const name = `${path}.${key}`;
    if (isRecord(inner)) Object.assign(cells, flattened(inner, name));
    else cells[name] = typeof inner === "object" && inner !== null ? JSON.stringify(inner) : (inner as Cell);
  }
  return cells;
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
