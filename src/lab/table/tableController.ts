/**
 * @file The table of the lab: its document, the state of each cell, and the queue that makes their runs.
 *
 *     document ▸ cells with keys ▸ states: outcomes of runs that are still saved, failures, the current run
 *     start ▸ next waiting cell ▸ an ordinary run ▸ it ends ▸ next cell …       pause: after this cell
 *
 * The queue starts runs through the lab and is told when they end; it has no device of its own. After a reload it is
 * idle until it is started again, and finished cells are not repeated. No React.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { expandTable, runKey, type Cell } from "../../experiment/table/expand.ts";
import { outcomeOf, type CellOutcome } from "../../experiment/table/outcome.ts";
import { nextCell } from "../../experiment/table/queue.ts";
import { reportTable, type CellState, type TableReport } from "../../experiment/table/report.ts";
import { resolveTable, type TableSpec } from "../../experiment/table/tableSpec.ts";
import type { RunEnd } from "../run/runController.ts";
import type { JsonObject } from "../support/json.ts";
import type { TableArchive } from "./tableDb.ts";

/** What the document means. */
export type TablePlan =
  | { readonly kind: "none" }
  | { readonly kind: "invalid"; readonly failure: RunFailure }
  | {
      readonly kind: "ready";
      readonly table: TableSpec;
      readonly cells: readonly Cell[];
      readonly states: ReadonlyMap<string, CellState>;
      readonly report: TableReport;
    };

export type QueueState =
  | { readonly kind: "idle" }
  /** `pausing`: idle after this cell. */
  | { readonly kind: "running"; readonly key: string; readonly runId: string; readonly pausing: boolean };

export interface TableState {
  /** null until there is a table. */
  readonly input: JsonObject | null;
  readonly plan: TablePlan;
  readonly queue: QueueState;
  /** Why the table is not saved in this browser; null if it is. */
  readonly storageProblem: RunFailure | null;
}

export interface TableOptions {
  readonly archive: TableArchive;
  /** Starts a run; null if the device is in use. */
  readonly begin: (spec: Spec) => string | null;
  /** IDs of the saved runs. */
  readonly history: () => ReadonlySet<string>;
  readonly describeError: (error: unknown) => RunFailure;
}

export class TableController {
  readonly store: StoreApi<TableState>;
  readonly #options: TableOptions;
  readonly #outcomes = new Map<string, CellOutcome>();
  #failures = new Map<string, { readonly failure: RunFailure; readonly run: string }>();
  /** Number of the current document; the result of checking an earlier one is dropped. */
  #edition = 0;

  constructor(options: TableOptions) {
    this.#options = options;
    this.store = createStore<TableState>()(() => ({
      input: null,
      plan: { kind: "none" },
      queue: { kind: "idle" },
      storageProblem: null,
    }));
  }

  /** Loads the saved table. Call it after the saved runs are loaded. */
  async load(): Promise<void> {
    await this.#guard(async () => {
      for (const outcome of await this.#options.archive.outcomes())
        if (!this.#outcomes.has(outcome.key)) this.#outcomes.set(outcome.key, outcome);
      const stored = await this.#options.archive.table();
      if (stored === null || this.store.getState().input !== null) return;
      this.#failures = new Map(stored.failures.map(({ key, failure, run }) => [key, { failure, run }]));
      await this.#check(stored.input);
    });
  }

  /** Replaces the document, unless the queue is running. */
  async edit(input: JsonObject): Promise<void> {
    if (this.store.getState().queue.kind === "running") return;
    await this.#check(input);
    await this.#keep();
  }

  start(): void {
    if (this.store.getState().queue.kind === "idle") this.#next();
  }

  pause(): void {
    const { queue } = this.store.getState();
    if (queue.kind === "running") this.store.setState({ queue: { ...queue, pausing: true } });
  }

  unpause(): void {
    const { queue } = this.store.getState();
    if (queue.kind === "running") this.store.setState({ queue: { ...queue, pausing: false } });
  }

  /** Puts failed cells back into the queue. */
  retry(): void {
    this.#failures.clear();
    this.refresh();
    void this.#keep();
  }

  /** Updates the states after the saved runs have changed. */
  refresh(): void {
    const { plan } = this.store.getState();
    if (plan.kind === "ready") this.store.setState({ plan: this.#ready(plan.table, plan.cells) });
  }

  /** Called when any run ends, of the queue or not. */
  async onRunEnd(runId: string, spec: Spec, end: RunEnd): Promise<void> {
    const { queue } = this.store.getState();
    const own = queue.kind === "running" && queue.runId === runId ? queue : null;
    if (end.kind === "finished") await this.#record(runId, spec, end);
    if (own === null) return this.refresh();
    if (end.kind === "failed") {
      this.#failures.set(own.key, { failure: end.failure, run: runId });
      await this.#keep();
    }
    // Read again: the user may have asked for a pause meanwhile.
    const now = this.store.getState().queue;
    this.store.setState({ queue: { kind: "idle" } });
    this.refresh();
    if (end.kind !== "stopped" && now.kind === "running" && !now.pausing) this.#next();
  }

  async #record(runId: string, spec: Spec, { report, answers }: Extract<RunEnd, { kind: "finished" }>): Promise<void> {
    const key = await runKey(spec);
    const outcome = outcomeOf(key, runId, report, answers);
    this.#outcomes.set(key, outcome);
    this.#failures.delete(key);
    await this.#guard(() => this.#options.archive.putOutcome(outcome));
  }

  #next(): void {
    const { plan } = this.store.getState();
    if (plan.kind !== "ready") return;
    const cell = nextCell(plan.cells, plan.states);
    const runId = cell === undefined ? null : this.#options.begin(cell.spec);
    if (cell === undefined || runId === null) return;
    this.store.setState({ queue: { kind: "running", key: cell.key, runId, pausing: false } });
    this.refresh();
  }

  async #check(input: JsonObject): Promise<void> {
    this.#edition += 1;
    const edition = this.#edition;
    try {
      const table = resolveTable(input);
      const cells = await expandTable(table);
      if (edition === this.#edition) this.store.setState({ input, plan: this.#ready(table, cells) });
    } catch (error) {
      if (edition === this.#edition)
        this.store.setState({ input, plan: { kind: "invalid", failure: this.#options.describeError(error) } });
    }
  }

  #ready(table: TableSpec, cells: readonly Cell[]): TablePlan {
    const history = this.#options.history();
    const { queue } = this.store.getState();
    const states = new Map<string, CellState>();
    for (const { key } of cells) {
      const [outcome, failed] = [this.#outcomes.get(key), this.#failures.get(key)];
      // Without its run, a score cannot be inspected any more: the cell waits again.
      if (queue.kind === "running" && queue.key === key) states.set(key, { kind: "running" });
      else if (outcome && history.has(outcome.run)) states.set(key, { kind: "finished", outcome });
      else if (failed) states.set(key, { kind: "failed", ...failed });
    }
    return { kind: "ready", table, cells, states, report: reportTable(table, cells, states) };
  }

  async #keep(): Promise<void> {
    const { input } = this.store.getState();
    if (input === null) return;
    const failures = [...this.#failures].map(([key, { failure, run }]) => ({ key, failure, run }));
    await this.#guard(() => this.#options.archive.putTable({ id: "current", input, failures }));
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.store.setState({ storageProblem: this.#options.describeError(error) });
    }
  }
}
