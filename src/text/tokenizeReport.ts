/** @file What became of the rows of a dataset on their way to tokens. */

import { setting } from "../base/format.ts";

/** One row that did not come through whole. */
export interface RowNote {
  readonly row: number;
  readonly where: string;
  /** Tokens that the row had. */
  readonly tokens: number;
}

/** A row that the chat template refuses. */
export interface RefusedRow {
  readonly row: number;
  readonly where: string;
  readonly why: string;
}

/** What became of the rows; nothing is cut or left out that does not stand here. */
export interface TokenizeReport {
  readonly rows: number;
  readonly kept: number;
  readonly truncated: readonly RowNote[];
  /** Left out because longer than max_length (only with too_long "drop"). */
  readonly tooLong: readonly RowNote[];
  /** Left out because no label remains: nothing to learn from. */
  readonly noLabels: readonly RowNote[];
  /** Left out because its loss has the weight 0. */
  readonly weightless: readonly RowNote[];
  /** Rows that are kept with a weight other than 1, their smallest and their largest weight; null: none. */
  readonly weighted: { readonly rows: number; readonly least: number; readonly most: number } | null;
  /** Left out because the chat template refuses them (only with bad_rows "drop"). */
  readonly refused: readonly RefusedRow[];
  /** Tokens of each row before it was cut; refused rows are missing. */
  readonly lengths: Int32Array<ArrayBuffer>;
  /** Over the kept examples. */
  readonly tokens: number;
  readonly labelledTokens: number;
  readonly longest: number;
}

/** The report as sentences for a log; empty when every row came through whole. */
export function describeReport(report: TokenizeReport, max_length: number): string[] {
  const list = (notes: readonly RowNote[]): string => {
    const shown = notes.slice(0, 3).map(({ where, tokens }) => `${where} with ${tokens} tokens`);
    return shown.join(", ") + (notes.length > 3 ? `, and ${notes.length - 3} more` : "");
  };
  const count = (notes: readonly RowNote[]): string => `${notes.length} of ${report.rows} rows`;
  const out: string[] = [];
  if (report.truncated.length > 0)
    out.push(`${count(report.truncated)} cut to ${max_length} tokens: ${list(report.truncated)}.`);
  if (report.tooLong.length > 0)
    out.push(`${count(report.tooLong)} left out, longer than ${max_length} tokens: ${list(report.tooLong)}.`);
  if (report.noLabels.length > 0)
    out.push(
      `${count(report.noLabels)} left out, no response token within ${max_length} tokens: ${list(report.noLabels)}.`,
    );
  if (report.weightless.length > 0)
    out.push(`${count(report.weightless)} left out, their loss has the weight 0: ${list(report.weightless)}.`);
  if (report.weighted !== null)
    out.push(
      `${report.weighted.rows} of ${report.rows} rows have loss weights other than 1, ` +
        `from ${setting(report.weighted.least)} to ${setting(report.weighted.most)}` +
        `${report.weighted.least < 0 ? "; a negative weight trains away from its row" : ""}.`,
    );
  const [first] = report.refused;
  if (first !== undefined)
    out.push(
      `${report.refused.length} of ${report.rows} rows left out, refused by the chat template: ${report.refused
        .slice(0, 3)
        .map(({ where }) => where)
        .join(", ")}${report.refused.length > 3 ? `, and ${report.refused.length - 3} more` : ""} (${first.why}).`,
    );
  return out;
}
