/**
 * @file `basin table`: every cell of a table as a run in a folder, and the figures of all. Goes on where it was left.
 */
import { dirname, resolve } from "node:path";
import type { Gpu } from "../engine/device.ts";
import type { Evaluation } from "../eval/evaluate.ts";
import { RunControl } from "../experiment/run/runControl.ts";
import { toFailure } from "../experiment/run/runFailure.ts";
import { describeLabels, expandTable, type Cell } from "../experiment/table/expand.ts";
import { exportTable, type TableFormat } from "../experiment/table/exports.ts";
import { countStates, runQueue } from "../experiment/table/queue.ts";
import { parseTableJson } from "../experiment/table/tableSpec.ts";
import { nodeEnvironment, readText } from "./environment.ts";
import { cliGpu } from "./gpu.ts";
import { duration, log } from "./report.ts";
import { runIntoFolder } from "./runCommand.ts";
import { findUnfinished } from "./runFolder.ts";
import { TableFolder } from "./tableFolder.ts";

export interface TableOptions {
  readonly out: string;
  readonly format: TableFormat;
  /** Cells that failed before run again. */
  readonly retry?: boolean;
  /** false: nothing is run; the figures of what is there. */
  readonly run: boolean;
}

/** Exit code: 0 all finished, 1 some failed, 130 paused. */
export async function runTable(path: string, { out, format, retry = false, run }: TableOptions): Promise<void> {
  const table = parseTableJson(await readText(path), path);
  const cells = await expandTable(table, path);
  const folder = new TableFolder(resolve(out));
  const states = await folder.read(cells);
  if (retry) for (const [key, { kind }] of states) if (kind === "failed") states.delete(key);
  const count = countStates(cells, states);
  log(
    `${cells.length} cells, ${count.finished} finished, ${count.failed} ` +
      `failed${count.failed > 0 && !retry ? " (--retry runs them again)" : ""}, ${count.waiting} to ` +
      "run",
  );
  let report = folder.write(table, cells, states);
  if (run && count.waiting > 0) {
    const runner = new CellRunner(folder, dirname(resolve(path)));
    const total = count.waiting;
    const started = performance.now();
    let begun = 0;
    const ended = await runQueue({
      cells,
      states,
      run: (cell) => runner.run(cell),
      pauseRequested: () => runner.pauseRequested,
      onState: (cell, state) => {
        if (state.kind === "running") {
          const left =
            begun === 0
              ? ""
              : `, about ${duration((((performance.now() - started) / begun) * (total - begun)) / 1000)} left`;
          begun += 1;
          log(`\ncell ${begun} of ${total}: ${describeLabels(cell.labels)}${left}`);
        }
        if (state.kind === "failed")
          log(`failed: ${state.failure.what} (${state.failure.where}). The queue continues.`);
        report = folder.write(table, cells, states);
      },
    });
    runner.destroy();
    if (ended === "paused") log(`\npaused; run the same command to continue`);
    process.exitCode = ended === "paused" ? 130 : undefined;
  }
  const failed = countStates(cells, states).failed;
  if (failed > 0) {
    log(`${failed} cells failed; --retry runs them again`);
    process.exitCode ??= 1;
  }
  process.stdout.write(exportTable(report, format));
}

/** Runs cells in this process, on one device; answers Ctrl-C. */
class CellRunner {
  readonly #folder: TableFolder;
  readonly #beside: string;
  readonly #known = new Map<string, Evaluation>();
  #device: { readonly gpu: Gpu; lost: boolean } | null = null;
  #control = new RunControl();
  pauseRequested = false;

  constructor(folder: TableFolder, beside: string) {
    this.#folder = folder;
    this.#beside = beside;
    process.on("SIGINT", this.#interrupt);
    process.on("SIGTERM", this.#terminate);
  }

  async run(
    cell: Cell,
  ): Promise<ReturnType<TableFolder["finished"]> | ReturnType<TableFolder["failed"]> | "interrupted"> {
    const path = this.#folder.begin(cell);
    try {
      const gpu = await this.#open();
      this.#control = new RunControl();
      const control = this.#control;
      const unfinished = await findUnfinished(this.#folder.at(path), cell.spec);
      const result = await runIntoFolder(this.#folder.at(path), {
        ...(unfinished ? { resume: unfinished } : {}),
        spec: cell.spec,
        gpu,
        environment: nodeEnvironment(this.#beside),
        control,
        reuse: { evaluations: this.#known },
      });
      if (control.stopRequested) return "interrupted";
      return result.outcome === "failed"
        ? this.#folder.failed(path, toFailure(result.error))
        : this.#folder.finished(cell.key, path, result.report);
    } catch (error) {
      return this.#folder.failed(path, toFailure(error));
    }
  }

  destroy(): void {
    process.off("SIGINT", this.#interrupt);
    process.off("SIGTERM", this.#terminate);
    this.#device?.gpu.destroy();
  }

  /** The device; another one after a cell that lost it. */
  async #open(): Promise<Gpu> {
    if (this.#device !== null && !this.#device.lost) return this.#device.gpu;
    const { gpu } = await cliGpu();
    const device = { gpu, lost: false };
    void gpu.lost.then(() => (device.lost = true));
    this.#device = device;
    return gpu;
  }

  readonly #interrupt = (): void => {
    if (this.pauseRequested) return this.#terminate();
    this.pauseRequested = true;
    log("pausing after this cell (once more to stop it now; it resumes from its last checkpoint next time)");
  };

  readonly #terminate = (): void => {
    this.pauseRequested = true;
    log("stopping this cell");
    // The second stop skips the evaluation, too.
    this.#control.stop();
    this.#control.stop();
  };
}
