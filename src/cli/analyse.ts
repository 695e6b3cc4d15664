/** @file `basin analyse`: an analysis of an adapter and its models, as text, CSV or JSON. Needs no GPU. */
import { dirname, resolve } from "node:path";
import type { AnalysisResult, ResultTable } from "../analysis/analysis.ts";
import { ANALYSES } from "../analysis/list.ts";
import { analysisNamed } from "../analysis/registry.ts";
import { BasinError } from "../base/error.ts";
import { cellText } from "../experiment/analyse/cellText.ts";
import { tableCsv } from "../experiment/analyse/tableCsv.ts";
import { runAnalysis, type AnalysisEnvironment } from "../experiment/analyse/runAnalysis.ts";
import { parseSpecJson } from "../experiment/spec/specJson.ts";
import { nodeEnvironment, readText } from "./environment.ts";
import { printJson, progress } from "./report.ts";

export const ANALYSIS_FORMATS = ["text", "csv", "json"] as const;

export interface AnalyseOptions {
  readonly adapter?: string;
  readonly model?: string;
  readonly unaligned?: string;
  /** A JSON object. */
  readonly options?: string;
  readonly format: (typeof ANALYSIS_FORMATS)[number];
}

export interface DirectionsOptions {
  readonly adapter: string;
  readonly k?: number;
  readonly json?: boolean;
}

/**
 * The analysis "directions" of the pair that a spec names; paths in it are relative to its folder.
 * @throws BasinError as `runAnalysis`
 */
export async function directions(specPath: string, { adapter, k, json = false }: DirectionsOptions): Promise<void> {
  const { model } = parseSpecJson(await readText(specPath), specPath);
  await analyse(
    "directions",
    {
      adapter: resolve(adapter),
      ...(model.aligned !== null && { model: model.aligned }),
      ...(model.unaligned !== null && { unaligned: model.unaligned }),
      ...(k !== undefined && { options: JSON.stringify({ k }) }),
      format: json ? "json" : "text",
    },
    nodeEnvironment(dirname(resolve(specPath))),
  );
}

/** Without a name: the list. @throws BasinError as `runAnalysis` */
export async function analyse(
  name: string | undefined,
  options: AnalyseOptions,
  environment: AnalysisEnvironment = nodeEnvironment(),
): Promise<void> {
  if (name === undefined) {
    if (options.format === "json")
      printJson(ANALYSES.map(({ name, title, question, needs, uses }) => ({ name, title, question, needs, uses })));
    else print(ANALYSES.map((analysis) => `${analysis.name}\n  ${analysis.question}`).join("\n"));
    return;
  }
  const { adapter, model: aligned, unaligned } = options;
  const { title } = analysisNamed(name);
  const bar = progress(title, 100);
  const result = await runAnalysis(
    {
      name,
      ...(options.options !== undefined && { options: parseOptions(options.options) }),
      ...(adapter !== undefined && { adapter }),
      ...(aligned !== undefined && { aligned }),
      ...(unaligned !== undefined && { unaligned }),
    },
    environment,
    (done, total) => bar.update(Math.floor((100 * done) / total)),
  ).finally(() => bar.stop());
  if (options.format === "json") printJson({ analysis: name, ...result });
  else if (options.format === "csv") process.stdout.write(result.tables.map(tableCsv).join("\r\n"));
  else print(resultLines(result).join("\n"));
}

function parseOptions(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below, as for any other text.
  }
  throw new BasinError({
    what: "The options are not a JSON object",
    where: "--options",
    fix: 'Write them as {"name": value}.',
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function resultLines({ figures, tables, notes }: AnalysisResult): string[] {
  return [
    ...figures.map(
      ({ title, value, unit }) => `${title}: ${cellText(value, "number")}${unit === undefined ? "" : ` ${unit}`}`,
    ),
    ...tables.flatMap((table) => ["", table.title, ...alignedLines(table)]),
    ...(notes.length === 0 ? [] : ["", ...notes]),
  ];
}

/** Columns of equal width; numbers to the right. */
function alignedLines({ columns, rows }: ResultTable): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ key, format }) => cellText(row[key], format))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  return cells.map((line) =>
    line
      .map((text, i) => (columns[i]?.format === "text" ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
