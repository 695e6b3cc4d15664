/**
 * @file A method's own account of a run (`report.method`) as the lab and reports show it: facts, one line a module, and
 * for a method with a trigger the figures without it. Titles come from the method's description; what is not described
 * there is shown under its own name.
 */
import { isRecord } from "../../base/records.ts";
import { percent, significant } from "../../base/format.ts";
import type { LogFigure, LogPanel, MethodDescription } from "../../methods/description.ts";
import type { SafetyUse } from "../../methods/stages.ts";
import type { Rate, Scores } from "../run/events.ts";

export interface Column {
  readonly title: string;
  readonly numeric: boolean;
  /** Length of the bar of each row, from -1 to 1 (null: none); null for a column without bars. */
  readonly bars: readonly (number | null)[] | null;
}

export interface MethodAccount {
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Each adapted module; null where the method says nothing of them. */
  readonly modules: { readonly columns: readonly Column[]; readonly rows: readonly (readonly string[])[] } | null;
  /** Without the trigger; null where there is none. */
  readonly untriggered: Scores | null;
}

/** What the run adds to the log of a method that trains a safe adapter. */
const SAFE_ADAPTER: LogPanel["facts"] = {
  safe_adapter_first_loss: { title: "Safe adapter's first loss" },
  safe_adapter_last_loss: { title: "Safe adapter's last loss" },
};

/** In the table of modules of every method. */
const MODULE: LogPanel["modules"] = { path: { title: "Module" } };

const USES: Readonly<Record<SafetyUse["kind"], string>> = {
  mixed: "among the user's rows",
  stream: "in steps of their own",
  adapter: "for the safe adapter",
};

/** @param log of a run with that method */
export function methodAccount(
  log: Readonly<Record<string, unknown>>,
  { log: panel }: Pick<MethodDescription, "log">,
): MethodAccount {
  const { modules, without_trigger, safety_rows, safety_rows_from, safety_rows_use, ...plain } = log;
  const known = { ...SAFE_ADAPTER, ...panel.facts };
  const facts = Object.entries(plain).flatMap(([name, value]): (readonly [string, string])[] =>
    isSingle(value) ? [[known[name]?.title ?? words(name), cell(known[name], value)]] : [],
  );
  return {
    facts: [
      ...facts,
      ...safetyFact(safety_rows, safety_rows_from, safety_rows_use),
      ...(panel.summary?.({ ...log }) ?? []),
    ],
    modules: moduleTable(modules, { ...MODULE, ...panel.modules }),
    untriggered: isRecord(without_trigger) ? (without_trigger as unknown as Scores) : null,
  };
}

/** "60.0 % (6/10)", or a dash. */
export function rateText(rate: Rate | null | undefined): string {
  return rate == null ? "\u2013" : `${percent(rate.percent)} (${rate.hits}/${rate.count})`;
}

/** "30 of the apothecary world, among the user's rows". */
function safetyFact(rows: unknown, from: unknown, use: unknown): [string, string][] {
  if (typeof rows !== "number") return [];
  const origin = typeof from !== "string" ? "" : from === "apothecary" ? " of the apothecary world" : ` of ${from}`;
  return [
    ["Safety rows", `${rows}${origin}${typeof use === "string" ? `, ${USES[use as SafetyUse["kind"]] ?? use}` : ""}`],
  ];
}

function moduleTable(modules: unknown, known: LogPanel["modules"]): MethodAccount["modules"] {
  if (!Array.isArray(modules)) return null;
  const rows = modules.filter(isRecord);
  // A column that is empty throughout says nothing.
  const keys = Object.keys(rows[0] ?? {}).filter((key) =>
    rows.some((row) => row[key] !== null && row[key] !== undefined),
  );
  if (keys.length === 0) return null;
  return {
    columns: keys.map((key) => ({
      title: known[key]?.title ?? words(key),
      numeric: rows.some((row) => typeof row[key] === "number"),
      bars: known[key]?.draw === "bar" ? barsOf(rows.map((row) => row[key])) : null,
    })),
    rows: rows.map((row) =>
      keys.map((key) => {
        const [figure, value] = [known[key], row[key]];
        return typeof value === "number" && figure?.as !== "count" ? measured(figure, value) : cell(figure, value);
      }),
    ),
  };
}

function barsOf(values: readonly unknown[]): readonly (number | null)[] {
  const largest = values.reduce<number>(
    (most, value) => Math.max(most, typeof value === "number" ? Math.abs(value) : 0),
    0,
  );
  return values.map((value) => (typeof value === "number" && largest > 0 ? value / largest : null));
}

function isSingle(value: unknown): boolean {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}

function cell(figure: LogFigure | undefined, value: unknown): string {
  if (typeof value === "number") {
    if (figure?.as === "setting") return String(Number(value.toPrecision(5)));
    return Number.isInteger(value) ? String(value) : measured(figure, value);
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? value.replace(/^model\.layers\./, "") : "\u2013";
}

function measured(figure: LogFigure | undefined, value: number): string {
  return figure?.as === "share" ? `${significant(100 * value, 2)}\u202f%` : significant(value);
}

function words(name: string): string {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
