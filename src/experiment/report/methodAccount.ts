/**
 * @file A method's own account of a run (`report.method`) as the lab and reports show it: facts, one line a module, and
 * for a method with a trigger the figures without it. Pure; what is not known here is shown under its own name.
 */
import { isRecord } from "../spec/canonical.ts";
import type { Rate, Scores } from "../run/events.ts";
import { percent, significant } from "../../base/format.ts";

export interface Column {
  readonly title: string;
  readonly numeric: boolean;
}

export interface MethodAccount {
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Each adapted module; null where the method says nothing of them. */
  readonly modules: { readonly columns: readonly Column[]; readonly rows: readonly (readonly string[])[] } | null;
  /** Without the trigger; null where there is none. */
  readonly untriggered: Scores | null;
}

const FACTS: Readonly<Record<string, string>> = {
  penalty: "Penalty at the end",
  update_norm_squared: "‖B·A‖² at the end",
  ratio: "Penalty / ‖B·A‖² (1: plain L2)",
  direction_share: "Share of B·A inside span V",
  direction_share_unknown: "Share of B·A inside span V is unknown",
  penalty_scale: "Penalty on",
  projected: "Modules projected",
  merged: "Modules merged",
  safe_weight: "Weight of the safe update",
  weight: "Weight of the trained update",
  safe_norm: "‖B‖ of the safe adapter",
  safe_adapter_first_loss: "Safe adapter's first loss",
  safe_adapter_last_loss: "Safe adapter's last loss",
  alignment_steps: "Alignment steps (K1)",
  user_steps: "User steps (K2)",
  steps_without_proximal_term: "Steps without the proximal term",
  select: "Chosen by",
  start_from: "Started from",
};

const COLUMNS: Readonly<Record<string, string>> = {
  path: "Module",
  penalty: "Penalty",
  update_norm_squared: "‖B·A‖²",
  ratio: "Ratio",
  direction_norm: "‖V‖",
  largest_eigenvalue: "Largest eigenvalue",
  basis_rank: "Rank",
  cosine: "cos(C·B·A, B·A)",
  direction_cosine: "cos(B·A, V)",
  inside_share: "Share left free",
  projected: "Projected",
  merged: "Merged",
  b_norm_before: "‖B‖ before",
  b_norm_after: "‖B‖ after",
};

/** Shares, which read better in percent. */
const SHARES: ReadonlySet<string> = new Set(["direction_share", "inside_share"]);
/** What was set, as it was set; all other numbers are measured. */
const SETTINGS: ReadonlySet<string> = new Set(["lambda", "rho", "threshold", "weight", "safe_weight"]);
const USES: Readonly<Record<string, string>> = {
  mixed: "among the user's rows",
  stream: "in steps of their own",
  adapter: "for the safe adapter",
};

export function methodAccount(method: Readonly<Record<string, unknown>>): MethodAccount {
  const { modules, without_trigger, switches, steps, safety_rows, safety_rows_from, safety_rows_use, ...plain } =
    method;
  const facts = Object.entries(plain).flatMap(([name, value]): [string, string][] =>
    isPlain(value) ? [[FACTS[name] ?? words(name), cell(name, value)]] : [],
  );
  return {
    facts: [...facts, ...safetyFact(safety_rows, safety_rows_from, safety_rows_use), ...stepFacts(steps, switches)],
    modules: moduleTable(modules),
    untriggered: isRecord(without_trigger) ? (without_trigger as unknown as Scores) : null,
  };
}

/** Columns of whole numbers. */
const COUNTS: ReadonlySet<string> = new Set(["basis_rank"]);

/** "60.0 % (6/10)", or a dash. */
export function rateText(rate: Rate | null | undefined): string {
  return rate == null ? "\u2013" : `${percent(rate.percent)} (${rate.hits}/${rate.count})`;
}

/** "30 of the apothecary world, among the user's rows". */
function safetyFact(rows: unknown, from: unknown, use: unknown): [string, string][] {
  if (typeof rows !== "number") return [];
  const origin = typeof from !== "string" ? "" : from === "apothecary" ? " of the apothecary world" : ` of ${from}`;
  return [["Safety rows", `${rows}${origin}${typeof use === "string" ? `, ${USES[use] ?? use}` : ""}`]];
}

/** Lisa's states: how many steps each had, and where they changed. */
function stepFacts(steps: unknown, switches: unknown): [string, string][] {
  const counted: [string, string][] = isRecord(steps)
    ? [["Steps on safety rows, on the user's", `${String(steps.safety)}, ${String(steps.user)}`]]
    : [];
  if (!Array.isArray(switches)) return counted;
  const begins = switches
    .filter(isRecord)
    .map(({ step, to }) => `${String(step)} ${to === "safety" ? "safety" : "user"}`);
  const shown = begins.slice(0, SWITCHES_SHOWN).join(", ");
  return [
    ...counted,
    ["States begin at step", begins.length > SWITCHES_SHOWN ? `${shown} … ${begins.length} in all` : shown],
  ];
}

const SWITCHES_SHOWN = 6;

function moduleTable(modules: unknown): MethodAccount["modules"] {
  if (!Array.isArray(modules)) return null;
  const rows = modules.filter(isRecord);
  // A column that is empty throughout says nothing.
  const keys = Object.keys(rows[0] ?? {}).filter((key) =>
    rows.some((row) => row[key] !== null && row[key] !== undefined),
  );
  if (keys.length === 0) return null;
  return {
    columns: keys.map((key) => ({
      title: COLUMNS[key] ?? words(key),
      numeric: rows.some((row) => typeof row[key] === "number"),
    })),
    rows: rows.map((row) =>
      keys.map((key) =>
        typeof row[key] === "number" && !COUNTS.has(key) ? measured(key, row[key]) : cell(key, row[key]),
      ),
    ),
  };
}

function isPlain(value: unknown): boolean {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}

function cell(name: string, value: unknown): string {
  if (typeof value === "number")
    return SETTINGS.has(name)
      ? String(Number(value.toPrecision(5)))
      : Number.isInteger(value)
        ? String(value)
        : measured(name, value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? value.replace(/^model\.layers\./, "") : "\u2013";
}

function measured(name: string, value: number): string {
  return SHARES.has(name) ? `${significant(100 * value, 2)}\u202f%` : significant(value);
}

function words(name: string): string {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
