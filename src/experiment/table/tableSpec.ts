/**
 * @file A table of experiments as one document: a base spec, and axes along which it is varied.
 *
 *     {"base": {"train": {"learning_rate": 1e-3}},
 *      "axes": {"method": {"SFT": "sft", "AsFT": {"name": "asft", "lambda": 1}},
 *               "lambda": [0.1, 1, 10],
 *               "seed":   [0, 1, 2]}}
 *
 * Every combination of values is a cell (expand.ts). An axis is a name and its values:
 *
 *     full        [{"label": "small", "set": {"lora.r": 4, "lora.lora_alpha": 16}}, …]
 *     short [0.1, 1] or {"weak": 0.1, "strong": 1} for a name of SHORT_AXES, or a path such as "method.threshold"
 */
import { isRecord } from "../../base/records.ts";
import { z } from "../../base/zod.ts";
import { BasinError } from "../../base/error.ts";

import { pathText } from "../spec/spec.ts";
import { readJson } from "../spec/specJson.ts";

/** Axes that need no path: what they set in the spec of a run. */
export const SHORT_AXES: Readonly<Record<string, string>> = {
  method: "method",
  task: "data.train.task",
  n: "data.train.n",
  harmful_ratio: "data.train.harmful_ratio",
  lambda: "method.lambda",
  learning_rate: "train.learning_rate",
  r: "lora.r",
  seed: "train.seed",
};

/** The axis over which means and deviations are taken. */
export const SEED_AXIS = "seed";
export const METHOD_AXIS = "method";

const value = z.strictObject({ label: z.string().min(1), set: z.record(z.string().min(1), z.unknown()) });

const schema = z.strictObject({
  version: z.literal(1, { error: "this Basin reads version 1" }).default(1),
  name: z.string().max(200).optional(),
  base: z.record(z.string(), z.unknown()).default({}),
  axes: z
    .record(z.string().min(1), z.union([z.array(z.unknown()).min(1), z.record(z.string().min(1), z.unknown())]))
    .default({}),
  baseline: z.string().optional(),
  bootstrap: z
    .strictObject({ resamples: z.int().min(100).max(1_000_000).default(10_000), seed: z.int().min(0).default(0) })
    .prefault({}),
});

export type TableInput = z.input<typeof schema>;

/** One value of an axis: its label, and what it sets, by path. */
export interface AxisValue {
  readonly label: string;
  readonly set: Readonly<Record<string, unknown>>;
}

export interface Axis {
  readonly name: string;
  readonly values: readonly AxisValue[];
}

/** A table with every short form written out. */
export interface TableSpec {
  readonly version: 1;
  readonly name: string | null;
  /** A run's spec, to be completed in each cell. */
  readonly base: Readonly<Record<string, unknown>>;
  readonly axes: readonly Axis[];
  /** Label on the method axis that others are compared with; null: nothing is compared. */
  readonly baseline: string | null;
  readonly bootstrap: { readonly resamples: number; readonly seed: number };
}

/**
 * A table from JSON text.
 * @param name the file's name in errors
 * @throws BasinError for malformed JSON or a table that is not valid
 */
export function parseTableJson(text: string, name = "table"): TableSpec {
  return resolveTable(readJson(text, name).value, name);
}

/** @throws BasinError for a value that is no table */
export function resolveTable(input: unknown, name = "table"): TableSpec {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = (issue?.path ?? []).map((part) => (typeof part === "symbol" ? String(part) : part));
    throw new BasinError({
      what: issue?.message ?? "This is not a table",
      where: `${name}: ${pathText(path)}`,
      fix: `A table has: ${Object.keys(schema.shape).join(", ")}. base is the spec of a run, axes an object of axes.`,
    });
  }
  const { version, name: title = null, base, axes, baseline, bootstrap } = parsed.data;
  const resolved = Object.entries(axes).map(([axis, values]) => ({
    name: axis,
    values: axisValues(axis, values, `${name}: axes.${axis}`),
  }));
  const methods = resolved.find((axis) => axis.name === METHOD_AXIS)?.values.map(({ label }) => label) ?? [];
  if (baseline !== undefined && !methods.includes(baseline)) {
    throw new BasinError({
      what: `The baseline ${JSON.stringify(baseline)} is no value of the method axis`,
      where: `${name}: baseline`,
      fix: methods.length > 0 ? `Choose one of: ${methods.join(", ")}.` : "Add an axis method, or remove baseline.",
    });
  }
  return { version, name: title, base, axes: resolved, baseline: baseline ?? null, bootstrap };
}

function axisValues(
  axis: string,
  values: readonly unknown[] | Readonly<Record<string, unknown>>,
  where: string,
): AxisValue[] {
  const listed: readonly (readonly [string | null, unknown])[] = Array.isArray(values)
    ? values.map((item: unknown) => [null, item] as const)
    : Object.entries(values);
  if (listed.length === 0)
    throw new BasinError({ what: "The axis has no values", where, fix: "Give at least one, or remove the axis." });
  const result = listed.map(([label, item]) => axisValue(axis, label, item, where));
  const repeated = result.find(({ label }, i) => result.findIndex((other) => other.label === label) !== i);
  if (repeated)
    throw new BasinError({
      what: `The label ${JSON.stringify(repeated.label)} occurs twice`,
      where,
      fix: "Give each value of an axis a label of its own.",
    });
  return result;
}

function axisValue(axis: string, label: string | null, item: unknown, where: string): AxisValue {
  const full = label === null ? value.safeParse(item) : null;
  if (full?.success) return full.data;
  const path = axis.includes(".") ? axis : SHORT_AXES[axis];
  if (path === undefined) {
    throw new BasinError({
      what: `The axis ${JSON.stringify(axis)} does not say what it sets`,
      where,
      fix:
        'Write each value as {"label": …, "set": {"path": value}}, name the axis by a path such as ' +
        `"method.threshold", or choose one of: ${Object.keys(SHORT_AXES).join(", ")}.`,
    });
  }
  const set = axis === METHOD_AXIS && typeof item === "string" ? { name: item } : item;
  const text =
    label ?? (isRecord(set) ? (typeof set.name === "string" ? set.name : JSON.stringify(set)) : String(item));
  return { label: text, set: { [path]: set } };
}
