/**
 * @file Rows as published, where they lie beside this checkout (../shared/data); tests on them are skipped with a
 * message elsewhere.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../../shared/data", import.meta.url));

export const REAL_ROWS = existsSync(`${FOLDER}/sst2-train.jsonl`);
if (!REAL_ROWS) console.warn("skipped: the real data files are not beside this checkout (../shared/data)");

export function realRows(file: string): Record<string, string | number>[] {
  return readFileSync(`${FOLDER}/${file}`, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, string | number>);
}
