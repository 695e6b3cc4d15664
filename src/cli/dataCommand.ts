/** @file `basin data`: what a run would be trained on, token by token, and what becomes of its rows. */

import { dirname, resolve } from "node:path";
import { dataReport, type DataReport, type DataReportRow } from "../experiment/data/dataReport.ts";
import type { Tally } from "../experiment/data/runData.ts";
import { parseSpecJson } from "../experiment/spec/specJson.ts";
import { nodeEnvironment, readText } from "./environment.ts";
import { printJson } from "./report.ts";

export interface DataOptions {
  readonly rows: number;
  readonly json?: boolean;
}

export async function showData(specPath: string, { rows, json = false }: DataOptions): Promise<void> {
  const spec = parseSpecJson(await readText(specPath), specPath);
  const report = await dataReport(spec, nodeEnvironment(dirname(resolve(specPath))), rows);
  if (json) printJson(report);
  else process.stdout.write(`${dataLines(report).join("\n")}\n`);
}

/** For people: the rows as text, and the totals. */
export function dataLines({ rows, totals, notes }: DataReport): string[] {
  const count = (n: number, what: string): string => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
  const heldOut = totals.held_out === 0 ? "" : `, ${count(totals.held_out, "row")} held out`;
  return [
    ...rows.flatMap(rowLines),
    `${count(totals.kept, "row")} of ${totals.rows.toLocaleString("en")}${heldOut}: ` +
      `${count(totals.tokens, "token")}, ${count(totals.labels, "label")}, ` +
      `the longest row ${count(totals.longest, "token")}`,
    ...tallyLines("cut", totals.cut),
    ...tallyLines("dropped", totals.dropped),
    ...tallyLines("ignored", totals.ignored),
    ...notes.map((note) => `  ${note}`),
  ];
}

function tallyLines(what: string, tallies: readonly Tally[]): string[] {
  return tallies.map(({ rows, reason }) => `  ${what}: ${rows.toLocaleString("en")} (${reason})`);
}

function rowLines({ where, text, tokens, labels, weights }: DataReportRow): string[] {
  const learnt = labels.filter((_, t) => weights[t] !== 0).length;
  return [`${where}: ${tokens.length} tokens, ${learnt} with loss`, text ?? tokens.join(" "), ""];
}
