/** @file The training rows of a spec, as rows and as tokens. */
import { trainRows } from "../text/apothecary/index.ts";
import { parseDataset } from "../text/datasets.ts";
import type { DataRow } from "../text/example.ts";
import { tokenizeRows, type TokenizedDataset } from "../text/tokenize.ts";
import type { RunEnvironment } from "./environment.ts";
import type { Spec } from "./spec.ts";
import type { ModelFiles } from "./textModel.ts";

export interface RunRows {
  readonly rows: readonly DataRow[];
  /** Where a row stands, for errors: "rows.jsonl line 12". */
  where(row: number): string;
}

/**
 * The rows that a spec trains on. Those of the apothecary world follow from the seed.
 * @throws BasinError for a file that is missing, malformed or empty, naming file and line
 */
export async function loadRows({ data: { train }, train: { seed } }: Spec, environment: RunEnvironment, vocabSize?: number, signal?: AbortSignal): Promise<RunRows> {
  if (train.source === "apothecary") {
    const { task, n, harmful_ratio } = train;
    return { rows: trainRows({ task, n, harmful_ratio, seed }), where: (row) => `apothecary row ${row + 1}` };
  }
  const text = await environment.readText(train.path, signal);
  return parseDataset(text, train.format, { name: train.path, ...(vocabSize === undefined ? {} : { vocab_size: vocabSize }) });
}

/** @throws BasinError naming the row, or when no row remains */
export function tokenizeForRun({ data }: Spec, { rows, where }: RunRows, { tokenizer, config }: Pick<ModelFiles, "tokenizer" | "config">): TokenizedDataset {
  return tokenizeRows(rows, tokenizer, { max_length: Math.min(data.max_length, config.maxPositions), too_long: data.too_long, vocab_size: config.vocabSize, where: (row) => where(row) });
}
