/**
 * @file A table's folder: one folder for each cell's run, and what is made of them.
 *
 *     OUT/cells/sft-seed-0-3fa1c2d4e5f6/ spec.json, metrics.jsonl, adapter/, answers.jsonl, report.json | failure.json
 *     OUT/table.json                       the table as resolved, and the state and folder of each cell
 *     OUT/results.{md,csv,tex,json}        figures
 *
 * The cells' folders are the truth: a cell is finished when some folder holds the report of a run whose spec has the
 * cell's key, whatever the folder is called. table.json is written from them, never read. An interrupted cell
 * resumes from its checkpoint (runFolder.ts); a failed one starts from the beginning.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunFailure, RunReport } from "../experiment/run/events.ts";
import { describeLabels, runKey, type Cell } from "../experiment/table/expand.ts";
import { exportTable, TABLE_FORMATS } from "../experiment/table/exports.ts";
import { outcomeOf, type MomentAnswer } from "../experiment/table/outcome.ts";
import { reportTable, type CellState, type TableReport } from "../experiment/table/report.ts";
import type { TableSpec } from "../experiment/table/tableSpec.ts";
import { log } from "./report.ts";
import { hasCheckpoint } from "./runFolder.ts";

export class TableFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(join(path, "cells"), { recursive: true });
  }

  /** States of the cells that have a finished or failed run here. */
  async read(cells: readonly Cell[]): Promise<Map<string, CellState>> {
    const wanted = new Set(cells.map(({ key }) => key));
    const states = new Map<string, CellState>();
    for (const name of readdirSync(join(this.#path, "cells")).sort()) {
      const folder = `cells/${name}`;
      const key = await this.#keyOf(folder);
      if (key === null || !wanted.has(key)) continue;
      const state = this.#stateOf(key, folder);
      if (state !== null && states.get(key)?.kind !== "finished") states.set(key, state);
    }
    return states;
  }

  /** The folder of a cell's run, relative to the table's: empty, or with the checkpoint of an interrupted run. */
  begin(cell: Cell): string {
    const folder = `cells/${slug(describeLabels(cell.labels))}-${cell.key}`;
    if (hasCheckpoint(this.at(folder)) && !existsSync(this.at(`${folder}/failure.json`))) return folder;
    rmSync(this.at(folder), { recursive: true, force: true });
    mkdirSync(this.at(folder), { recursive: true });
    return folder;
  }

  /** The state of a cell whose run has just finished. */
  finished(key: string, folder: string, report: RunReport): Extract<CellState, { kind: "finished" }> {
    return { kind: "finished", outcome: outcomeOf(key, folder, report, this.#answers(folder)) };
  }

  failed(folder: string, failure: RunFailure): Extract<CellState, { kind: "failed" }> {
    writeFileSync(this.at(`${folder}/failure.json`), `${JSON.stringify(failure, null, 2)}\n`);
    return { kind: "failed", failure, run: folder };
  }

  /** Writes table.json and the figures. */
  write(table: TableSpec, cells: readonly Cell[], states: ReadonlyMap<string, CellState>): TableReport {
    const report = reportTable(table, cells, states);
    const list = cells.map(({ key, labels }) => ({ key, labels, ...account(states.get(key)) }));
    writeFileSync(this.at("table.json"), `${JSON.stringify({ ...table, cells: list }, null, 2)}\n`);
    for (const format of TABLE_FORMATS) writeFileSync(this.at(`results.${format}`), exportTable(report, format));
    return report;
  }

  at(path: string): string {
    return join(this.#path, path);
  }

  async #keyOf(folder: string): Promise<string | null> {
    const spec = this.#json(`${folder}/spec.json`);
    // A spec that this version does not understand belongs to no cell.
    return spec === null ? null : runKey(spec).catch(() => null);
  }

  #stateOf(key: string, folder: string): CellState | null {
    const report = this.#json(`${folder}/report.json`) as RunReport | null;
    if (report?.outcome === "finished") return this.finished(key, folder, report);
    const failure = this.#json(`${folder}/failure.json`) as RunFailure | null;
    return failure && { kind: "failed", failure, run: folder };
  }

  #answers(folder: string): MomentAnswer[] {
    const file = this.at(`${folder}/answers.jsonl`);
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as MomentAnswer);
  }

  #json(path: string): unknown {
    const file = this.at(path);
    if (!existsSync(file)) return null;
    try {
      return JSON.parse(readFileSync(file, "utf8")) as unknown;
    } catch {
      log(`${file} is not readable JSON and is passed over`);
      return null;
    }
  }
}

function account(state: CellState = { kind: "waiting" }): Readonly<Record<string, unknown>> {
  if (state.kind === "finished") return { state: "finished", folder: state.outcome.run };
  if (state.kind === "failed") return { state: "failed", folder: state.run, failure: state.failure };
  return { state: state.kind };
}

/** "AsFT, seed 0" -> "asft-seed-0". */
function slug(text: string): string {
  const short = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 60);
  return short === "" ? "cell" : short;
}
