/**
 * @file Loss weights that a dataset brings:
 *
 *     {"weight": 0.5, …}                                     of a row
 *     {"input_ids": […], "labels": […], "weights": […]}      one a token
 *     {"messages": [{"role": "assistant", "weight": 0, …}]}  of a message, as OpenAI's fine-tuning has it
 *     {"messages": [{"role": "assistant", "train": false}]}  the same as 0
 *
 * and scores of safety, for methods that weigh by them: {"safety_scores": [0.9, 0.2], …}
 */
import { BasinError } from "../../base/error.ts";
import type { RowExtras } from "../example.ts";
import { listCell } from "./listCell.ts";
import type { Mapping } from "./mapping.ts";
import { kindOf, type TableRow } from "./table.ts";

const FIX =
  "A weight is a number: 1 as without it, 0 not trained, a fraction less, below 0 away from it. " +
  'Where the column means something else, leave it out: "columns": {"weight": null}.';

/** @throws BasinError for a weight that is no number */
export function rowWeight(row: TableRow, { columns }: Pick<Mapping, "columns">, where: string): RowExtras {
  const value = columns.weight === undefined ? undefined : row[columns.weight];
  if (value === undefined || value === null || value === "" || Array.isArray(value)) return {};
  return { weight: numberOf(value, columns.weight ?? "weight", where) };
}

/** One weight a token; undefined where the column has none or one for the row. @throws BasinError for another number */
export function tokenWeights(
  row: TableRow,
  column: string | undefined,
  tokens: number,
  where: string,
): readonly number[] | undefined {
  const list = column === undefined ? undefined : row[column];
  if (column === undefined || !Array.isArray(list)) return undefined;
  if (list.length !== tokens)
    throw new BasinError({
      what: `There are ${list.length} ${column} for ${tokens} input_ids`,
      where,
      fix: "Give one weight per token, or one number for the row.",
    });
  return list.map((value: unknown, t) => numberOf(value, `${column}[${t}]`, where));
}

/** @param at the message's place in its row @throws BasinError for a weight that is no number */
export function messageWeight(message: Readonly<Record<string, unknown>>, at: string, where: string): number {
  const { weight, train } = message;
  if (weight !== undefined && weight !== null) return numberOf(weight, `${at}.weight`, where);
  if (train === undefined || train === null || typeof train === "boolean") return train === false ? 0 : 1;
  throw new BasinError({
    what: `The field ${at}.train is ${kindOf(train)}, not true or false`,
    where,
    fix: "Write true or false without quotation marks, or leave it out.",
  });
}

/** @throws BasinError for a score that is no number from 0 to 1 */
export function safetyScores(row: TableRow, { columns }: Pick<Mapping, "columns">, where: string): RowExtras {
  const column = columns.safety_scores;
  const value = column === undefined ? undefined : row[column];
  if (column === undefined || value === undefined || value === null || value === "") return {};
  const list = listCell(value);
  const wrong = Array.isArray(list) ? list.findIndex((score: unknown) => !isScore(score)) : -1;
  if (Array.isArray(list) && wrong < 0) return { safety_scores: list as readonly number[] };
  throw new BasinError({
    what:
      wrong < 0
        ? `The field ${column} is ${kindOf(value)}, not a list of numbers`
        : `The field ${column}[${wrong}] is ${kindOf((list as readonly unknown[])[wrong])}, not a number from 0 to 1`,
    where,
    fix: "Give the probability that the response is safe up to each chunk's end: 0 unsafe, 1 safe.",
  });
}

function isScore(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}

function numberOf(value: unknown, field: string, where: string): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isFinite(number)) return number;
  throw new BasinError({ what: `The field ${field} is ${kindOf(value)}, not a number`, where, fix: FIX });
}
