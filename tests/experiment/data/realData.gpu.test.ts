/**
 * @file Real files (SST-2, AG News, GSM8K, Alpaca), as JSON Lines, CSV and Parquet: recognised, tokenised, trained on.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parquetWriteBuffer } from "hyparquet-writer";
import Papa from "papaparse";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { Gpu } from "../../../src/engine/device.ts";
import type { RunEvent } from "../../../src/experiment/run/events.ts";
import { loadRows } from "../../../src/experiment/data/runData.ts";
import { runExperiment } from "../../../src/experiment/run/runner.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { testGpu } from "../../support/gpu.ts";

const source = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));
const present = existsSync(source);
if (!present) console.warn("skipped: the real data files are not beside this checkout (../shared/data)");

const folder = mkdtempSync(join(tmpdir(), "basin-real-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Row {
  readonly instruction: string;
  readonly input?: string;
  readonly output?: string;
  readonly label?: number;
}

const read = (name: string): Row[] =>
  readFileSync(join(source, `${name}.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);

/** The same rows in another format. */
function convert(name: string, format: "jsonl" | "csv" | "parquet"): string {
  if (format === "jsonl") return join(source, `${name}.jsonl`);
  const rows = read(name);
  const path = join(folder, `${name}.${format}`);
  const columns = Object.keys(rows[0] ?? {});
  if (format === "csv") writeFileSync(path, Papa.unparse(rows, { columns }));
  else {
    const columnData = columns.map((column) => ({
      name: column,
      data: rows.map((row) => row[column as keyof Row] ?? null),
      type: column === "label" ? ("INT32" as const) : ("STRING" as const),
    }));
    writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 100 })));
  }
  return path;
}

const FILES: readonly [string, number, string][] = [
  ["sst2-train", 900, "Alpaca"],
  ["sst2-test", 872, "instruction with classes"],
  ["agnews-train-1k", 1000, "Alpaca"],
  ["agnews-test-1k", 1000, "instruction with classes"],
  ["gsm8k-train-1k", 1000, "Alpaca"],
  ["gsm8k-test-500", 500, "Alpaca"],
  ["alpaca-train-1k", 1000, "Alpaca"],
];

describe.skipIf(!present)("real data", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  it.each(FILES)("%s has %i rows, the same as JSON Lines, CSV and Parquet", async (name, count, recognised) => {
    const load = async (format: "jsonl" | "csv" | "parquet"): ReturnType<typeof loadRows> =>
      loadRows(resolveSpec({ data: { train: { path: convert(name, format) } } }), nodeEnvironment());
    const lines = await load("jsonl");
    expect(lines.rows).toHaveLength(count);
    expect(lines.account?.mapping.recognised).toBe(recognised);
    expect((await load("parquet")).rows).toEqual(lines.rows);
    expect((await load("csv")).rows).toEqual(lines.rows);
  });

  it.each([
    ["sst2-test", "parquet"],
    ["agnews-train-1k", "csv"],
    ["gsm8k-train-1k", "jsonl"],
    ["alpaca-train-1k", "parquet"],
  ] as const)("%s trains, as %s", async (name, format) => {
    const spec = resolveSpec({
      data: {
        train: { path: convert(name, format) },
        selection: { shuffle_seed: 3, max_rows: 3, validation_split: 10, deduplicate: true },
        max_length: 200,
        too_long: "truncate",
      },
      method: { name: "sft" },
      // Evaluating held-out rows has a test of its own (evaluation.gpu.test.ts).
      eval: { task: null },
      train: { learning_rate: 2e-3, max_steps: 3, per_device_train_batch_size: 3, lr_scheduler_type: "constant" },
    });
    const events: RunEvent[] = [];
    const result = await runExperiment({
      runId: name,
      spec,
      gpu,
      environment: nodeEnvironment(),
      outputs: { onEvent: (event) => void events.push(event) },
    });
    expect(result.outcome).toBe("finished");
    const losses = events.flatMap((event) => (event.type === "step" ? [event.metrics.ce] : []));
    expect(losses).toHaveLength(3);
    // The same rows in every step: their loss falls.
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
    const told = events.flatMap((event) =>
      event.type === "phase" && event.detail !== undefined ? [event.detail] : [],
    );
    expect(told.some((line) => line.startsWith("Columns read as"))).toBe(true);
    expect(told.some((line) => line.includes("held out for evaluation"))).toBe(true);
  });
});
