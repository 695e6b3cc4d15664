/**
 * @file A table's figures for papers and programs: Markdown, CSV, LaTeX, JSON. Each row names the runs it comes from.
 */
import { csvText, markdownTable } from "../../base/tableText.ts";
import type { Summary } from "../../eval/statistics/summary.ts";
import { FIGURES, type Difference, type Figure, type FigureName, type TableReport, type TableRow } from "./report.ts";

export const TABLE_FORMATS = ["md", "csv", "tex", "json"] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

const TITLES: Readonly<Record<FigureName, string>> = {
  harmful_score: "harmful score",
  task_accuracy: "task accuracy",
  perplexity: "perplexity",
  benign_compliance: "harmless answered",
};

export function exportTable(report: TableReport, format: TableFormat): string {
  switch (format) {
    case "md":
      return markdown(report);
    case "csv":
      return csv(report);
    case "tex":
      return latex(report);
    case "json":
      return `${JSON.stringify(report, null, 2)}\n`;
  }
}

/** Axes whose labels differ between rows; the method's always. */
export function shownAxes({ axes, rows }: TableReport): readonly string[] {
  const varied = axes.filter((axis) => new Set(rows.map(({ labels }) => labels[axis])).size > 1);
  return varied.length > 0 ? varied : axes.slice(0, 1);
}

/** Figures that at least one row has. */
export function shownFigures({ rows }: TableReport): readonly FigureName[] {
  return FIGURES.filter((name) => rows.some(({ figures }) => figures[name] !== null));
}

/** Label on an axis; a row without its trigger says so beside its method. */
export function axisText(row: TableRow, axis: string, axes: readonly string[]): string {
  const label = row.labels[axis] ?? "";
  return row.moment === "without_trigger" && axis === (axes.includes("method") ? "method" : axes[0])
    ? `${label}, without trigger`
    : label;
}

/** "96.3 ± 2.5"; one value has no deviation. */
export function summaryText({ mean, sd }: Summary, digits = 1): string {
  return sd === null ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${sd.toFixed(digits)}`;
}

function signed(value: number): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}`;
}

export function pText(p: number): string {
  return p < 0.0001 ? "< 0.0001" : p.toPrecision(2);
}

function figureText(figure: Figure | null, values: boolean): string {
  if (figure === null) return "–";
  const range =
    figure.pooled === null ? "" : ` [${figure.pooled.ci95.low.toFixed(1)}, ${figure.pooled.ci95.high.toFixed(1)}]`;
  const each =
    values && figure.values.length > 1 ? ` (${figure.values.map((value) => value.toFixed(0)).join(", ")})` : "";
  return `${summaryText(figure.after)}${range}${each}`;
}

function differenceText(difference: Difference | null): string {
  if (difference === null) return "–";
  const { mean, ci95, mcnemar } = difference;
  const range = ci95 === null ? "" : ` [${signed(ci95.low)}, ${signed(ci95.high)}]`;
  const test =
    mcnemar === null
      ? ""
      : `; ${mcnemar.baselineOnly} : ${mcnemar.otherOnly}, p ${mcnemar.p < 0.0001 ? "" : "= "}${pText(mcnemar.p)}`;
  return `${signed(mean.mean)}${range}${test}`;
}

function markdown(report: TableReport): string {
  const { rows, baseline, notes, name } = report;
  const axes = shownAxes(report);
  const figures = shownFigures(report);
  const keys = (row: TableRow): string[] => axes.map((axis) => axisText(row, axis, axes));
  const parts = [
    ...(name === null ? [] : [`# ${name}`]),
    markdownTable(
      [...axes, "seeds", ...figures.flatMap((figure) => [`${TITLES[figure]} before`, "after", "change"])],
      rows.map((row) => [
        ...keys(row),
        row.seeds.join(", "),
        ...figures.flatMap((figure) => [
          row.figures[figure] === null ? "–" : summaryText(row.figures[figure].before),
          figureText(row.figures[figure], true),
          row.figures[figure] === null ? "–" : signed(row.figures[figure].change.mean),
        ]),
      ]),
    ),
  ];
  const compared = rows.filter(({ against }) => against !== null);
  if (baseline !== null && compared.length > 0) {
    parts.push(
      `Against ${baseline}: difference [bootstrap over seeds]; prompts that ` +
        `only ${baseline} : only the row counts, McNemar's p`,
      markdownTable(
        [...axes, ...figures.map((figure) => TITLES[figure])],
        compared.map((row) => [
          ...keys(row),
          ...figures.map((figure) => differenceText(row.against?.[figure] ?? null)),
        ]),
      ),
    );
  }
  parts.push(
    markdownTable(
      [...axes, "runs"],
      rows.map((row) => [...keys(row), row.runs.join(", ")]),
    ),
    notes.map((note) => `- ${note}`).join("\n"),
  );
  return `${parts.join("\n\n")}\n`;
}

/** One line for each row and figure. */
function csv(report: TableReport): string {
  const { axes, rows, baseline, bootstrap } = report;
  const lines = rows.flatMap((row) =>
    FIGURES.flatMap((name) => {
      const figure = row.figures[name];
      if (figure === null) return [];
      const difference = row.against?.[name] ?? null;
      return [
        {
          ...Object.fromEntries(axes.map((axis) => [axis, row.labels[axis] ?? ""])),
          asked: row.moment === "after" ? "as used" : "without trigger",
          figure: name,
          seeds: figure.after.n,
          before_mean: figure.before.mean,
          before_sd: figure.before.sd,
          after_mean: figure.after.mean,
          after_sd: figure.after.sd,
          change_mean: figure.change.mean,
          change_sd: figure.change.sd,
          hits: figure.pooled?.hits,
          prompts: figure.pooled?.count,
          wilson_low: figure.pooled?.ci95.low,
          wilson_high: figure.pooled?.ci95.high,
          baseline: row.against === null ? null : baseline,
          difference_mean: difference?.mean.mean,
          difference_sd: difference?.mean.sd,
          bootstrap_low: difference?.ci95?.low,
          bootstrap_high: difference?.ci95?.high,
          bootstrap_resamples: difference?.ci95 ? bootstrap.resamples : null,
          mcnemar_only_baseline: difference?.mcnemar?.baselineOnly,
          mcnemar_only_row: difference?.mcnemar?.otherOnly,
          mcnemar_pairs: difference?.mcnemar?.pairs,
          mcnemar_p: difference?.mcnemar?.p,
          seed_labels: row.seeds.join(" "),
          runs: row.runs.join(" "),
        },
      ];
    }),
  );
  return csvText(lines);
}

const TEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "−": "$-$",
  "±": "$\\pm$",
  λ: "$\\lambda$",
  "–": "--",
};

export function escapeLatex(text: string): string {
  return text.replaceAll(/[\\~^−±λ–]|[&%$#_{}]/g, (character) => TEX[character] ?? `\\${character}`);
}

/** For booktabs; the notes and the runs are comments. */
function latex(report: TableReport): string {
  const { rows, baseline, notes, name } = report;
  const axes = shownAxes(report);
  const figures = shownFigures(report);
  const compared = baseline !== null && rows.some(({ against }) => against !== null);
  const number = (summary: Summary): string =>
    summary.sd === null ? `$${summary.mean.toFixed(1)}$` : `$${summary.mean.toFixed(1)} \\pm ${summary.sd.toFixed(1)}$`;
  const cells = (row: TableRow): string[] => [
    ...axes.map((axis) => escapeLatex(axisText(row, axis, axes))),
    ...figures.flatMap((figure) =>
      row.figures[figure] === null
        ? ["--", "--"]
        : [number(row.figures[figure].before), number(row.figures[figure].after)],
    ),
    ...(compared ? [pOf(row)] : []),
  ];
  const head = [
    ...axes.map(escapeLatex),
    ...figures.map((figure) => `\\multicolumn{2}{c}{${TITLES[figure]}}`),
    ...(compared ? ["$p$"] : []),
  ];
  const under = [...axes.map(() => ""), ...figures.flatMap(() => ["before", "after"]), ...(compared ? [""] : [])];
  const comment = (text: string): string => `% ${text.replaceAll(/[\r\n]+/g, " ")}`;
  return [
    comment(
      `${name ?? "Table"}. Needs \\usepackage{booktabs}.` +
        `${compared ? ` p: McNemar's exact test of the harmful score against ${baseline}.` : ""}`,
    ),
    ...notes.map(comment),
    ...rows.map((row) => comment(`${row.title}: ${row.runs.join(", ")}`)),
    `\\begin{tabular}{${"l".repeat(axes.length)}${"r".repeat(2 * figures.length + (compared ? 1 : 0))}}`,
    "\\toprule",
    `${head.join(" & ")} \\\\`,
    `${under.join(" & ")} \\\\`,
    "\\midrule",
    ...rows.map((row) => `${cells(row).join(" & ")} \\\\`),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

function pOf({ against }: TableRow): string {
  const test = against?.harmful_score?.mcnemar;
  if (!test) return "--";
  return test.p < 0.0001 ? "$< 10^{-4}$" : `$${test.p.toPrecision(2)}$`;
}
