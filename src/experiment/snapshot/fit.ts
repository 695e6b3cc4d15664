/**
 * @file Whether a run may be resumed from a snapshot: only where it gives the very numbers of a run that was never
 * interrupted.
 *
 * So the spec must be the same but for fields that change no number, and so must the device, the trained model's
 * weights, the rows and Basin. The unaligned twin, a start adapter and files of evaluations count by their names only.
 */
import { describeValue } from "../../base/describe.ts";
import { isRecord } from "../../base/records.ts";
import { BasinError } from "../../base/error.ts";
import { canonical } from "../spec/canonical.ts";
import type { Spec } from "../spec/spec.ts";
import type { RunOrigin } from "./runSnapshot.ts";

/** What may differ: recomputed layers give the same bits. */
const FREE_FIELDS: ReadonlySet<string> = new Set([
  "name",
  "train.save_steps",
  "train.gradient_checkpointing",
  "train.memory_budget_gb",
]);

/**
 * @param where the snapshot's name in errors
 * @throws BasinError naming each field in which the specs differ
 */
export function refuseOtherSpec(stored: Spec, now: Spec, where: string): void {
  const fields = differences(stored, now).filter((field) => !FREE_FIELDS.has(field));
  if (fields.length === 0) return;
  const [first = "", ...others] = fields;
  throw new BasinError({
    what:
      `The run was begun with another spec: ${first} was ${text(at(stored, first))} and is ${text(at(now, first))}` +
      (others.length === 0 ? "" : `; ${others.join(", ")} ${others.length > 1 ? "differ" : "differs"} too`),
    where,
    fix:
      "Resume it with the spec that it was begun with (spec.json of its folder), or start another run in another " +
      "folder.",
  });
}

const ORIGINS: readonly (readonly [keyof RunOrigin, string, (value: string) => string, string])[] = [
  [
    "device",
    "on another device",
    String,
    "Resume it on the device that it was begun on: another one rounds differently.",
  ],
  [
    "basin",
    "with another version of Basin",
    String,
    "Resume it with that version: another one may compute differently.",
  ],
  ["model", "on another model of the same name", short, "Restore the model's files, or start the run again."],
  [
    "rows",
    "on other rows, or with another tokenizer",
    short,
    "Restore the file of training rows, or start the run again.",
  ],
];

/** @param now what is known so far. @throws BasinError naming what is not as it was */
export function refuseOtherOrigin(stored: RunOrigin, now: Partial<RunOrigin>, where: string): void {
  for (const [part, how, show, fix] of ORIGINS) {
    const current = now[part];
    if (current === undefined || current === stored[part]) continue;
    throw new BasinError({ what: `The run was begun ${how}: ${show(stored[part])}, not ${show(current)}`, where, fix });
  }
}

/** Paths of the leaves in which two values differ, such as "train.seed". */
function differences(a: unknown, b: unknown, path = ""): string[] {
  if (isRecord(a) && isRecord(b)) {
    const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return names.flatMap((name) => differences(a[name], b[name], path === "" ? name : `${path}.${name}`));
  }
  return a === b || canonical(a) === canonical(b) ? [] : [path];
}

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, name) => (isRecord(inner) ? inner[name] : undefined), value);
}

function text(value: unknown): string {
  return value === undefined ? "not given" : describeValue(value, 80);
}

function short(digest: string): string {
  return digest.slice(0, 12);
}
