/**
 * @file Which rows are trained on and which are held out; pure and seeded.
 *
 *     rows ▸ leave out repetitions ▸ hold out some (drawn from the seed) ▸ shuffle the rest ▸ cap
 *
 * Repetitions go before the split, so that no held-out row is also trained on.
 */
import { BasinError } from "../../base/error.ts";
import { Rng } from "../../base/rng.ts";
import type { DataRow } from "../example.ts";

export interface Selection {
  /** Leave out rows that repeat an earlier one exactly. */
  readonly deduplicate: boolean;
  /** Below 1 the share of the rows that is held out for evaluation, from 1 on their number; 0 holds out none. */
  readonly validation_split: number;
  /** null keeps the file's order (the split is then drawn with seed 0). */
  readonly shuffle_seed: number | null;
  /** Most rows that are trained on; null for all. */
  readonly max_rows: number | null;
}

export const WHOLE: Selection = { deduplicate: false, validation_split: 0, shuffle_seed: null, max_rows: null };

export interface Selected {
  /** Indices of the rows to train on, in order. */
  readonly train: readonly number[];
  /** Indices of the held-out rows, in the order of the file. */
  readonly heldOut: readonly number[];
  /** Rows that repeat an earlier one and are left out; none without `deduplicate`. */
  readonly repeated: readonly { readonly row: number; readonly of: number }[];
  /** Rows beyond `max_rows`. */
  readonly capped: number;
  /** Held-out rows that equal a training row: their loss is no measure of new rows. */
  readonly leaked: number;
}

/** @throws BasinError when the split leaves nothing to train on */
export function selectRows(rows: readonly DataRow[], selection: Selection, where = "data.selection"): Selected {
  const repeated = selection.deduplicate ? repetitions(rows) : [];
  const excluded = new Set(repeated.map(({ row }) => row));
  const remaining = rows.flatMap((_, row) => (excluded.has(row) ? [] : [row]));
  const held = heldOutCount(remaining.length, selection.validation_split, where);
  const order = new Rng(`select/${selection.shuffle_seed ?? 0}`).shuffle(remaining);
  const heldOut = order.slice(0, held).sort((a, b) => a - b);
  const rest = order.slice(held);
  const train = selection.shuffle_seed === null ? rest.sort((a, b) => a - b) : rest;
  const most = selection.max_rows ?? Infinity;
  const used = train.slice(0, most);
  return { train: used, heldOut, repeated, capped: train.length - used.length, leaked: leaks(rows, used, heldOut) };
}

function repetitions(rows: readonly DataRow[]): { row: number; of: number }[] {
  const first = new Map<string, number>();
  return rows.flatMap((data, row) => {
    const key = rowKey(data);
    const of = first.get(key);
    if (of === undefined) first.set(key, row);
    return of === undefined ? [] : [{ row, of }];
  });
}

/** Held-out rows that equal a training row. Only the held-out ones are kept in memory a second time. */
function leaks(rows: readonly DataRow[], train: readonly number[], heldOut: readonly number[]): number {
  const key = (row: number): string => {
    const data = rows[row];
    return data === undefined ? "" : rowKey(data);
  };
  const held = new Map<string, number>();
  for (const row of heldOut) held.set(key(row), (held.get(key(row)) ?? 0) + 1);
  let leaked = 0;
  for (const row of held.size === 0 ? [] : train) {
    leaked += held.get(key(row)) ?? 0;
    held.delete(key(row));
  }
  return leaked;
}

function heldOutCount(rows: number, split: number, where: string): number {
  if (split === 0) return 0;
  const count = split < 1 ? Math.max(1, Math.round(split * rows)) : Math.floor(split);
  if (count < rows) return count;
  throw new BasinError({
    what: `The split holds out ${count} of ${rows} rows and leaves none to train on`,
    where: `${where}.validation_split`,
    fix: "Hold out fewer: a share below 1, or a number of rows below the dataset's.",
  });
}

/** Equal for equal rows. */
function rowKey(row: DataRow): string {
  const content = contentKey(row);
  return row.weight === undefined || row.weight === 1 ? content : `${content} × ${row.weight}`;
}

function contentKey(row: DataRow): string {
  switch (row.kind) {
    case "tokens":
      return JSON.stringify(["tokens", row.input_ids, row.labels, row.weights]);
    case "instruction":
      return JSON.stringify(["instruction", row.instruction, row.input ?? "", row.output]);
    case "chat":
      return JSON.stringify(["chat", row.messages.map(({ role, content, weight }) => [role, content, weight])]);
    case "text":
      return JSON.stringify(["text", row.text]);
  }
}
