/**
 * @file A table's figures: cells that differ only in their seed become a row.
 *
 *     mean ± sd        over seeds (n − 1)                            how much the seed matters
 *     interval         Wilson, all prompts of all seeds together     how much the prompts matter
 *     against the baseline, on the same seeds and prompts
 *       McNemar        pairs (seed, prompt), exact                   do they differ?
 *       bootstrap      of the mean difference over seeds             by how much?
 *
 * Both tests on prompts treat the answers of different seeds as independent, which is only partly true: the prompts
 * are the same. The `notes` of every report say so.
 */
import { bootstrapMean, FEW_SEEDS } from "../../eval/statistics/bootstrap.ts";
import { mcnemar, type McNemar } from "../../eval/statistics/mcnemar.ts";
import { summarise, type Summary } from "../../eval/statistics/summary.ts";
import { rateBounds, type Bounds, type Scores } from "../../eval/scores.ts";
import type { RunFailure } from "../run/events.ts";
import { describeLabels, type Cell } from "./expand.ts";
import type { CellOutcome, Hit, Moment } from "./outcome.ts";
import { METHOD_AXIS, SEED_AXIS, type TableSpec } from "./tableSpec.ts";

export const FIGURES = ["harmful_score", "task_accuracy", "perplexity", "benign_compliance"] as const;
export type FigureName = (typeof FIGURES)[number];

/** Which answers a share counts. */
const PARTS = { harmful_score: "harmful", task_accuracy: "task", benign_compliance: "benign" } as const;

/** State of a cell in a queue. */
export type CellState =
  | { readonly kind: "waiting" }
  | { readonly kind: "running" }
  | { readonly kind: "finished"; readonly outcome: CellOutcome }
  | { readonly kind: "failed"; readonly failure: RunFailure; readonly run: string };

export interface PooledRate {
  readonly hits: number;
  readonly count: number;
  readonly percent: number;
  /** Wilson, 95 %, in percent. */
  readonly ci95: Bounds;
}

export interface Figure {
  readonly before: Summary;
  readonly after: Summary;
  /** After less before, seed by seed. */
  readonly change: Summary;
  /** Of each seed, after training. */
  readonly values: readonly number[];
  /** After training, over all seeds; null for a figure that is no share. */
  readonly pooled: PooledRate | null;
}

export interface Difference {
  /** Row less baseline, over the seeds that both have. */
  readonly mean: Summary;
  /** Bootstrap over seeds; null for fewer than two. */
  readonly ci95: Bounds | null;
  /** null where the answers of a cell are not kept, or the figure is no share. */
  readonly mcnemar: McNemar | null;
}

export interface TableRow {
  /** On every axis but the seed's. */
  readonly labels: Readonly<Record<string, string>>;
  /** "without_trigger": the same runs, asked without the method's trigger. */
  readonly moment: Exclude<Moment, "before">;
  readonly title: string;
  /** Label of each finished seed, in order. */
  readonly seeds: readonly string[];
  /** Folder or id of each seed's run. */
  readonly runs: readonly string[];
  readonly figures: Readonly<Record<FigureName, Figure | null>>;
  /** null for the baseline itself, and where there is none. */
  readonly against: Readonly<Record<FigureName, Difference | null>> | null;
  readonly waiting: number;
  readonly failed: number;
}

export interface TableReport {
  readonly name: string | null;
  /** Axes whose labels differ between rows, in order. */
  readonly axes: readonly string[];
  readonly baseline: string | null;
  readonly bootstrap: TableSpec["bootstrap"];
  readonly rows: readonly TableRow[];
  /** What a reader must know, in sentences. */
  readonly notes: readonly string[];
}

interface Group {
  readonly labels: Readonly<Record<string, string>>;
  readonly cells: { readonly seed: string; readonly state: CellState }[];
}

type Finished = readonly { readonly seed: string; readonly outcome: CellOutcome }[];

export function reportTable(
  table: TableSpec,
  cells: readonly Cell[],
  states: ReadonlyMap<string, CellState>,
): TableReport {
  const groups = groupCells(cells, states);
  const finished = new Map(groups.map((group) => [group, finishedOf(group)]));
  const axes = table.axes.map(({ name }) => name).filter((name) => name !== SEED_AXIS);
  const rows = groups.flatMap((group) => {
    const own = finished.get(group) ?? [];
    const baseline = groups.find((other) => isBaselineOf(table, other, group));
    const against = baseline && baseline !== group ? (finished.get(baseline) ?? []) : null;
    const row = (moment: TableRow["moment"]): TableRow => rowOf(table, group, own, against, moment);
    return own.some(({ outcome }) => outcome.scores.without_trigger !== null)
      ? [row("after"), row("without_trigger")]
      : [row("after")];
  });
  return {
    name: table.name,
    axes,
    baseline: table.baseline,
    bootstrap: table.bootstrap,
    rows,
    notes: notesOf(table, rows, [...finished.values()].flat()),
  };
}

/** Cells that share all labels but the seed's, in the table's order. A run that stands in a group twice counts once. */
function groupCells(cells: readonly Cell[], states: ReadonlyMap<string, CellState>): readonly Group[] {
  const groups = new Map<string, Group & { readonly keys: Set<string> }>();
  for (const {
    key,
    labels: { [SEED_AXIS]: seed, ...labels },
    spec,
  } of cells) {
    const name = JSON.stringify(labels);
    const group = groups.get(name) ?? { labels, cells: [], keys: new Set() };
    groups.set(name, group);
    if (group.keys.has(key)) continue;
    group.keys.add(key);
    group.cells.push({ seed: seed ?? String(spec.train.seed), state: states.get(key) ?? { kind: "waiting" } });
  }
  return [...groups.values()];
}

function finishedOf({ cells }: Group): Finished {
  return cells.flatMap(({ seed, state }) => (state.kind === "finished" ? [{ seed, outcome: state.outcome }] : []));
}

function isBaselineOf({ baseline }: TableSpec, candidate: Group, group: Group): boolean {
  if (baseline === null || candidate.labels[METHOD_AXIS] !== baseline) return false;
  return Object.entries(group.labels).every(
    ([axis, label]) => axis === METHOD_AXIS || candidate.labels[axis] === label,
  );
}

function rowOf(
  table: TableSpec,
  group: Group,
  own: Finished,
  against: Finished | null,
  moment: TableRow["moment"],
): TableRow {
  const title = describeLabels(group.labels);
  const have = own.filter(({ outcome }) => outcome.scores[moment] !== null);
  return {
    labels: group.labels,
    moment,
    title: moment === "after" ? title : `${title}, without trigger`,
    seeds: have.map(({ seed }) => seed),
    runs: have.map(({ outcome }) => outcome.run),
    figures: byFigure((name) => figureOf(have, moment, name)),
    against: against && byFigure((name) => differenceOf(table, have, against, moment, name)),
    waiting: group.cells.filter(({ state }) => state.kind === "waiting" || state.kind === "running").length,
    failed: group.cells.filter(({ state }) => state.kind === "failed").length,
  };
}

function byFigure<T>(make: (name: FigureName) => T): Record<FigureName, T> {
  return {
    harmful_score: make("harmful_score"),
    task_accuracy: make("task_accuracy"),
    perplexity: make("perplexity"),
    benign_compliance: make("benign_compliance"),
  };
}

function valueOf(scores: Scores | null, name: FigureName): number | null {
  if (scores === null) return null;
  return name === "perplexity" ? (scores.perplexity?.perplexity ?? null) : (scores[name]?.percent ?? null);
}

function figureOf(cells: Finished, moment: TableRow["moment"], name: FigureName): Figure | null {
  const points = cells.flatMap(({ outcome: { scores } }) => {
    const [before, after] = [valueOf(scores.before, name), valueOf(scores[moment], name)];
    return before === null || after === null ? [] : [{ before, after }];
  });
  if (points.length === 0) return null;
  return {
    before: summarise(points.map(({ before }) => before)),
    after: summarise(points.map(({ after }) => after)),
    change: summarise(points.map(({ before, after }) => after - before)),
    values: points.map(({ after }) => after),
    pooled: name === "perplexity" ? null : pool(cells, moment, name),
  };
}

function pool(cells: Finished, moment: TableRow["moment"], name: keyof typeof PARTS): PooledRate {
  const rates = cells.flatMap(({ outcome }) => outcome.scores[moment]?.[name] ?? []);
  const hits = rates.reduce((sum, rate) => sum + rate.hits, 0);
  const count = rates.reduce((sum, rate) => sum + rate.count, 0);
  return { hits, count, percent: (100 * hits) / count, ci95: rateBounds({ hits, count }) };
}

/** On the seeds that both rows have. The baseline is always taken as it is used. */
function differenceOf(
  { bootstrap }: TableSpec,
  own: Finished,
  baseline: Finished,
  moment: TableRow["moment"],
  name: FigureName,
): Difference | null {
  const shared = own.flatMap(({ seed, outcome }) => {
    const other = baseline.find((cell) => cell.seed === seed)?.outcome;
    const [mine, theirs] = [valueOf(outcome.scores[moment], name), valueOf(other?.scores.after ?? null, name)];
    return other === undefined || mine === null || theirs === null
      ? []
      : [{ outcome, other, difference: mine - theirs }];
  });
  if (shared.length === 0) return null;
  const differences = shared.map(({ difference }) => difference);
  const pairs =
    name === "perplexity" ? null : shared.map(({ outcome, other }) => pairHits(other, outcome, moment, name));
  return {
    mean: summarise(differences),
    ci95: bootstrapMean(differences, bootstrap),
    mcnemar:
      pairs === null || pairs.some((list) => list === null) ? null : mcnemar(pairs.flatMap((list) => list ?? [])),
  };
}

/** The same prompts under both; null unless the answers are kept and are those that the figures count. */
function pairHits(
  baseline: CellOutcome,
  own: CellOutcome,
  moment: TableRow["moment"],
  name: keyof typeof PARTS,
): [boolean, boolean][] | null {
  const of = (outcome: CellOutcome, at: TableRow["moment"]): readonly Hit[] | null => {
    const hits = outcome.hits[at].filter(({ part }) => part === PARTS[name]);
    const rate = outcome.scores[at]?.[name];
    return rate && rate.count === hits.length && rate.hits === hits.filter(({ hit }) => hit).length ? hits : null;
  };
  const [before, after] = [of(baseline, "after"), of(own, moment)];
  if (before === null || after === null || before.length !== after.length) return null;
  const pairs = before.flatMap((one, i): [boolean, boolean][] => {
    const other = after[i];
    return other?.prompt === one.prompt ? [[one.hit, other.hit]] : [];
  });
  return pairs.length === before.length ? pairs : null;
}

function notesOf(table: TableSpec, rows: readonly TableRow[], cells: Finished): string[] {
  const distinct = (values: readonly string[]): string[] => [...new Set(values)];
  const outcomes = cells.map(({ outcome }) => outcome);
  const [devices, versions, judges, tasks] = [
    distinct(outcomes.map(({ device }) => device)),
    distinct(outcomes.map(({ basin }) => basin)),
    distinct(outcomes.map(({ judge }) => judge)),
    distinct(outcomes.flatMap(({ task }) => task ?? [])),
  ];
  const fewest = Math.min(...rows.map(({ seeds }) => seeds.length));
  const most = Math.max(0, ...rows.map(({ seeds }) => seeds.length));
  const open = rows
    .filter(({ moment }) => moment === "after")
    .reduce((sum, { waiting, failed }) => sum + waiting + failed, 0);
  const notes = [
    `Mean ± standard deviation (n − 1) over ${seedsText(fewest, most)}. ` +
      "Intervals of shares: Wilson, 95 %, over the prompts of all seeds together.",
  ];
  if (table.baseline !== null) {
    notes.push(
      `Against ${table.baseline}: McNemar's exact two-sided test on pairs of the same seed and ` +
        `prompt; bootstrap over seeds (${table.bootstrap.resamples} resamples, seed ` +
        `${table.bootstrap.seed}, percentile). No correction for the number of comparisons.`,
    );
    notes.push(
      "Pooled intervals and McNemar's test treat the answers of different seeds to " +
        "one prompt as independent, which is only partly true.",
    );
    if (most < FEW_SEEDS)
      notes.push(`Fewer than ${FEW_SEEDS} seeds: the bootstrap interval is too narrow; treat it as a rough guide.`);
  }
  if (open > 0)
    notes.push(
      open === 1
        ? "One cell is not finished; its seed is missing from its row."
        : `${open} cells are not finished; their seeds are missing from the rows.`,
    );
  if (judges.length > 0)
    notes.push(`Judge: ${judges.join("; ")}.${tasks.length > 0 ? ` Task: ${tasks.join("; ")}.` : ""}`);
  const differ = devices.length > 1 || versions.length > 1 ? " The cells differ in device or version." : "";
  if (devices.length > 0) notes.push(`Device: ${devices.join("; ")}. Basin ${versions.join(", ")}.${differ}`);
  return notes;
}

function seedsText(fewest: number, most: number): string {
  if (most === 1) return "one seed, so the spread is unknown";
  return fewest === most ? `${most} seeds` : `${fewest} to ${most} seeds`;
}
