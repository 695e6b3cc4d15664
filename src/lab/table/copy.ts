/** @file Texts of Table: several runs on one set of axes, their scores side by side. */
import type { CellState, FigureName } from "../../experiment/table/report.ts";
import type { TableFormat } from "../../experiment/table/exports.ts";
import { plural } from "../support/format.ts";

export const TABLE = {
  title: "Table",
  runActive: "A run is active in this tab.",
  tableRuns: "The table is running.",
  invalidSettings: "Fix the invalid settings first.",
  saved: "Runs start one after another. Results are saved in this browser, and finished runs are not repeated.",
  notSaved: (why: string): string => `Not saved, lasts until you close this tab: ${why}.`,
  invalid: "The table is not valid",
  download: "Download",
  formats: { md: "Markdown", csv: "CSV", tex: "LaTeX", json: "JSON" } satisfies Record<TableFormat, string>,
};

export const TABLE_PRESETS = {
  sweep: {
    title: "Lambda sweep",
    text:
      "Varies λ from 0 to 30 on the data and settings of Setup, with three seeds. It starts at once, and the plot " +
      "grows with each run.",
    take: "Start sweep",
  },
  current: {
    title: "Current experiment",
    text: "The method in Setup next to plain fine-tuning, with three seeds. You can vary more settings below.",
    take: "Use settings from Setup",
  },
  comparison: {
    title: "Methods compared",
    text: (variants: number, runs: number): string =>
      `${variants} variants of the methods on the apothecary world, with three seeds each: ${plural(runs, "run")}.`,
    take: "Load comparison",
  },
  pruning: {
    title: "Pruning sweep",
    text: (runs: number): string =>
      `SPLoRA by the number of pruned modules and by its scores, with three seeds each: ${plural(runs, "run")}.`,
    take: "Load pruning sweep",
  },
};

export const QUEUE = {
  runs: (finished: number, runs: number): string => `${finished} of ${plural(runs, "run")}`,
  finished: " finished",
  failed: (n: number): string => `, ${n} failed`,
  left: (time: string): string => `; about ${time} left`,
  pausing: "; pauses after this run",
  elsewhere: "; another tab is running this table",
  start: "Start table",
  resume: "Resume",
  pause: "Pause after this run",
  cancelPause: "Cancel pause",
  pauseNow: "Pause now",
  pauseNowHint: "Stops the current run; it starts over when you resume",
  retry: "Retry failed runs",
};

/** Axes by their short names; other axes are shown as written. */
export const AXES: Readonly<Partial<Record<string, string>>> = {
  method: "Method",
  task: "Task",
  n: "Rows",
  harmful_ratio: "Harmful share",
  lambda: "λ",
  learning_rate: "Learning rate",
  r: "Rank (r)",
};

export const BUILDER = {
  title: "What to vary",
  base: (model: string, data: string, rate: string, length: string): string =>
    `Base: ${model}; ${data}; learning rate ${rate}; ${length}`,
  steps: (n: number): string => plural(n, "step"),
  epochs: (n: number): string => `${n} ${n === 1 ? "epoch" : "epochs"}`,
  methods: "Methods",
  methodsHint: "Empty: the method of the base. Other methods and options: edit the JSON below.",
  methodsAsList: "The methods are given as a list in the JSON below.",
  seeds: "Seeds",
  asInBase: "as in the base",
  inJson: "see the JSON below",
  notANumber: (text: string): string => `${text} is not a number`,
  baseline: "Compare with",
  noBaseline: "none",
  json: "JSON (for basin table)",
  jsonLabel: "The table as JSON",
  notAnObject: "A table is a JSON object: it starts with { and ends with }",
  download: "Download table.json",
};

export const MATRIX = {
  experiment: "Experiment",
  base: "Base",
  run: "Run",
  seeds: "Seeds",
  figures: {
    harmful_score: "Harmful score",
    task_accuracy: "Task accuracy",
    perplexity: "Perplexity",
    benign_compliance: "Harmless answered",
  } satisfies Record<FigureName, string>,
  percentHint: "%, mean ± SD",
  perplexityHint: "mean ± SD",
  compared: (baseline: string): string => `Compared with ${baseline}`,
  comparedHint: "harmful score, points; McNemar",
  sameRuns: "same runs",
  none: "–",
  before: (mean: string): string => `before: ${mean}`,
  counts: (hits: number, count: number, low: string, high: string): string =>
    `${hits} of ${plural(count, "prompt")}; 95 % interval ${low} to ${high}`,
  bootstrap: (low: string, high: string): string => `Bootstrap over seeds: ${low} to ${high}`,
  failedTitle: (cell: string): string => `${cell} failed`,
  failure: (what: string, where: string, fix: string): string => `${what} (${where}). ${fix}`,
  /** Shown in a seed's cell if there is no score. */
  marks: { waiting: "", running: "…", failed: "!", finished: "✓" } satisfies Record<CellState["kind"], string>,
  seed: (seed: string): string => `Seed ${seed}: `,
  waiting: "waiting",
  running: "running",
  failed: (what: string): string => `failed: ${what}`,
  harmful: (percent: string): string => `harmful ${percent} %`,
  accuracy: (percent: string): string => `accuracy ${percent} %`,
  finished: "finished",
  open: (state: string): string => `${state}. Open the run`,
};

export const SWEEP = {
  title: (axis: string): string => `Scores against ${axis}`,
  curves: {
    harmful_score: "harmful score",
    task_accuracy: "task accuracy",
    benign_compliance: "harmless answered",
  },
  label: (axis: string, curves: readonly string[]): string =>
    `Scores against ${axis}, in percent. ${curves.length === 0 ? "No run is finished yet." : curves.join("; ")}`,
  curve: (name: string, points: readonly string[]): string => `${name}: ${points.join(", ")}`,
  point: (mean: string, at: string): string => `${mean} at ${at}`,
  mean: (name: string, mean: string): string => `${name} ${mean} %`,
  interval: (low: string, high: string): string => `, 95 % interval ${low} to ${high}`,
  seeds: (values: string): string => `; seeds: ${values}`,
};
