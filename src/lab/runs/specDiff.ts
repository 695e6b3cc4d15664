/** @file The settings in which runs differ: complete specs, field by field. */
import { isRecord } from "../../base/records.ts";
import { canonical } from "../../experiment/spec/canonical.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { helpFor } from "../../experiment/spec/specHelp.ts";
import { DIFFERENCES } from "./copy.ts";

export interface Difference {
  /** "train.learning_rate" */
  readonly path: string;
  /** The label in the form, or the path. */
  readonly title: string;
  /** Of each spec, in order; undefined where it has no such field. */
  readonly values: readonly unknown[];
}

/** The fields that are not the same in all of the specs, in the order of the spec. Empty for fewer than two. */
export function specDifferences(specs: readonly Spec[]): readonly Difference[] {
  if (specs.length < 2) return [];
  const flat = specs.map((spec) => new Map(leaves("", spec)));
  const paths = new Set(flat.flatMap((fields) => [...fields.keys()]));
  return inOrder([...paths]).flatMap((path) => {
    const values = flat.map((fields) => fields.get(path));
    const same = values.every(
      (value) =>
        canonical(value ?? null) === canonical(values[0] ?? null) &&
        (value === undefined) === (values[0] === undefined),
    );
    return same ? [] : [{ path, title: titleOf(path, specs), values }];
  });
}

/** Lists are values; objects are looked into. An empty object is a value, too. */
function leaves(path: string, value: unknown): readonly (readonly [path: string, value: unknown])[] {
  if (!isRecord(value) || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) =>
    inner === undefined ? [] : leaves(path === "" ? key : `${path}.${key}`, inner),
  );
}

const SECTIONS = ["name", "method", "data", "model", "lora", "train", "eval"];

/** The most interesting sections first; the fields of a section stay together. */
function inOrder(paths: readonly string[]): readonly string[] {
  const rank = (path: string): number => {
    const at = SECTIONS.indexOf(path.split(".")[0] ?? "");
    return at === -1 ? SECTIONS.length : at;
  };
  return [...paths].sort((a, b) => rank(a) - rank(b));
}

function titleOf(path: string, specs: readonly Spec[]): string {
  if (path === "method.name") return "Method";
  for (const spec of specs) {
    const title = helpFor(path, spec)?.title;
    if (title !== undefined && title !== "") return title;
  }
  return path;
}

/** A value as the table shows it. */
export function valueText(value: unknown): string {
  if (value === undefined) return "\u2013";
  if (value === null) return DIFFERENCES.none;
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(", ");
  return JSON.stringify(value);
}
