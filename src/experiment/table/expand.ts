/**
 * @file From a table to its cells: every combination of the axes' values, the last axis fastest.
 *
 * A cell's key is a hash of its complete spec without the name, so it says what is computed and nothing else: cells of
 * one key are one run, and a table that is changed keeps the results of the cells whose keys it still has.
 */
import { isRecord } from "../../base/records.ts";
import { BasinError } from "../../base/error.ts";
import { shortHash } from "../spec/canonical.ts";
import { checkSpec, pathText, resolveSpec, type Spec } from "../spec/spec.ts";
import type { AxisValue, TableSpec } from "./tableSpec.ts";

export interface Cell {
  /** See `runKey`. */
  readonly key: string;
  /** Label on each axis. */
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Spec;
}

const MOST_CELLS = 5000;

/**
 * What decides a run's result, as a short text: equal for specs that resolve to the same, whatever they are called.
 * Files, folders and datasets count by their names, not by what is in them.
 * @param spec also one that an older Basin stored: fields that are new since then have their defaults
 * @throws BasinError for a value that is no spec
 */
export function runKey(spec: unknown): Promise<string> {
  const {
    name: _,
    train: { save_steps: _saved, ...train },
    ...rest
  } = resolveSpec(spec);
  return shortHash({ ...rest, train });
}

/**
 * The cells of a table, in the order in which they are run: seeds outermost, so that a table half done compares all
 * methods on the first seeds.
 * @param name the file's name in errors
 * @throws BasinError for a cell whose spec is not valid
 */
export async function expandTable(table: TableSpec, name = "table"): Promise<readonly Cell[]> {
  const axes = [
    ...table.axes.filter((axis) => axis.name === "seed"),
    ...table.axes.filter((axis) => axis.name !== "seed"),
  ];
  const count = axes.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_CELLS)
    throw new BasinError({
      what: `The table has ${count} cells, and at most ${MOST_CELLS} are allowed`,
      where: `${name}: axes`,
      fix: "Leave out values, or split the table.",
    });
  let combinations: readonly (readonly (readonly [string, AxisValue])[])[] = [[]];
  for (const axis of axes)
    combinations = combinations.flatMap((chosen) =>
      axis.values.map((value) => [...chosen, [axis.name, value] as const]),
    );
  const cells: Cell[] = [];
  for (const chosen of combinations) cells.push(await cellOf(table, chosen, name));
  return cells;
}

async function cellOf(
  table: TableSpec,
  chosen: readonly (readonly [string, AxisValue])[],
  name: string,
): Promise<Cell> {
  const byName = new Map(chosen.map(([axis, { label }]) => [axis, label]));
  const labels = Object.fromEntries(table.axes.map((axis) => [axis.name, byName.get(axis.name) ?? ""]));
  const title = describeLabels(labels);
  const draft: Record<string, unknown> = structuredClone({ ...table.base });
  // Whole objects before their fields: a lambda is set in the method that the cell has.
  const changes = chosen.flatMap(([, { set }]) => Object.entries(set)).sort(([a], [b]) => depth(a) - depth(b));
  for (const [path, value] of changes) put(draft, path.split("."), structuredClone(value), `${name}: ${path}`);
  nameWorld(draft);
  if (title !== "") draft.name = title;
  const checked = checkSpec(draft);
  if (!checked.ok) {
    const [problem] = checked.problems;
    throw new BasinError({
      what: problem?.what ?? "The spec is not valid",
      where: `${name}: cell ${title === "" ? "base" : title}: ${pathText(problem?.path ?? [])}`,
      fix: problem?.fix ?? "Mend the spec.",
    });
  }
  return { key: await runKey(checked.spec), labels, spec: checked.spec };
}

/** "SFT, seed 0": names of axes are left out where the label speaks for itself. */
export function describeLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([axis, label]) =>
      axis === "method" || axis === "task" ? label : `${axis.split(".").at(-1) ?? axis} ${label}`,
    )
    .join(", ");
}

/**
 * Rows whose task or share is varied in a base that says nothing of data are the apothecary world's, as a base without
 * data is.
 */
function nameWorld({ data }: Readonly<Record<string, unknown>>): void {
  const train = isRecord(data) ? data.train : undefined;
  if (isRecord(train) && train.source === undefined && train.path === undefined) train.source = "apothecary";
}

function depth(path: string): number {
  return path.split(".").length;
}

function put(object: Record<string, unknown>, path: readonly string[], value: unknown, where: string): void {
  const [key, ...rest] = path;
  if (key === undefined || key === "")
    throw new BasinError({
      what: "The path has an empty part",
      where,
      fix: 'Write names with dots between, such as "train.learning_rate".',
    });
  if (rest.length === 0) {
    object[key] = value;
    return;
  }
  const inner = object[key] ?? {};
  if (!isRecord(inner))
    throw new BasinError({ what: `${key} is not an object`, where, fix: "Check the path against the base spec." });
  object[key] = inner;
  put(inner, rest, value, where);
}
