/**
 * @file The table of the lab: its document, the state of each cell, and the queue that makes their runs.
 *
 *     document ▸ cells with keys ▸ states: outcomes of runs that are still saved, failures, the current run
 *     start ▸ next waiting cell ▸ an ordinary run ▸ it ends ▸ next cell …       pause: after this cell
 *
 * The queue starts runs through the lab and is told when they end; it has no device of its own. One tab runs it at a
 * time, and holds a lock meanwhile; outcomes of other tabs count here, too. After a reload it is idle until it is
 * started again, and finished cells are not repeated.
 */
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { expandTable, runKey, type Cell } from "../../experiment/table/expand.ts";
import { outcomeOf, type CellOutcome } from "../../experiment/table/outcome.ts";
import { nextCell } from "../../experiment/table/queue.ts";
import { reportTable, type CellState } from "../../experiment/table/report.ts";
import { resolveTable, type TableSpec } from "../../experiment/table/tableSpec.ts";
import type { RunEnd } from "../run/runController.ts";
import type { Collection } from "../storage/collection.ts";
import type { TabLocks } from "../storage/tabLocks.ts";
import type { JsonObject } from "../support/json.ts";
import type { StoredTable } from "./storedTable.ts";
import { createTableStore, type QueueState, type TablePlan, type TableStore } from "./tableStore.ts";

export interface TableOptions {
  readonly tables: Collection<StoredTable>;
  readonly outcomes: Collection<CellOutcome>;
  readonly tableLocks: TabLocks;
  /** Starts a run; null if the device is in use. */
  readonly begin: (spec: Spec) => string | null;
  /** IDs of the saved runs. */
  readonly history: () => ReadonlySet<string>;
  readonly describeError: (error: unknown) => RunFailure;
}

/** Held by the tab that runs the queue. */
const QUEUE_LOCK = "table queue";

const IDLE: QueueState = { kind: "idle" };

export class TableController {
  readonly store: TableStore = createTableStore();
  readonly #options: TableOptions;
  readonly #outcomes = new Map<string, CellOutcome>();
  #failures = new Map<string, { readonly failure: RunFailure; readonly run: string }>();
  /** Number of the current document; the result of checking an earlier one is dropped. */
  #edition = 0;
  #isStarting = false;
  /** Lets the queue's lock go, while this tab holds it. */
  #release: (() => void) | null = null;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Loads the saved table, then follows what other tabs change. Call it after the saved runs are loaded. */
  async load(): Promise<void> {
    const { tables, outcomes, tableLocks } = this.#options;
    await this.#guard(async () => {
      await this.#readOutcomes();
      if (this.store.getState().input === null) await this.#readTable();
      outcomes.onChange((key) => void this.#guard(() => this.#readOutcome(key)));
      tables.onChange(() => void this.#guard(() => this.#readTable()));
    });
    const held = await tableLocks.held().catch(() => new Set());
    if (held.has(QUEUE_LOCK) && this.#release === null) this.#waitElsewhere();
  }

  /** Replaces the document, unless the queue is running. */
  async edit(input: JsonObject): Promise<void> {
    if (this.store.getState().queue.kind !== "idle") return;
    await this.#check(input);
    await this.#save();
  }

  /** Runs the cells that wait, unless another tab does. */
  async start(): Promise<void> {
    if (this.store.getState().queue.kind !== "idle" || this.#isStarting) return;
    this.#isStarting = true;
    try {
      // Where the browser refuses locks the queue runs without.
      const release = await this.#options.tableLocks.hold(QUEUE_LOCK).catch(() => () => undefined);
      if (release === null) return this.#waitElsewhere();
      this.#release = release;
      // Another tab may have finished cells that are still waiting here.
      await this.#guard(() => this.#readOutcomes());
      this.#next();
    } finally {
      this.#isStarting = false;
    }
  }

  pause(): void {
    this.#setPausing(true);
  }

  unpause(): void {
    this.#setPausing(false);
  }

  /** Puts failed cells back into the queue. */
  retry(): void {
    this.#failures.clear();
    this.refresh();
    void this.#save();
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
      await this.#save();
    }
    // An interrupted cell is still waiting: it is resumed next.
    // Read again: the user may have asked for a pause meanwhile.
    const now = this.store.getState().queue;
    this.store.setState({ queue: IDLE });
    this.refresh();
    if (end.kind !== "stopped" && now.kind === "running" && !now.pausing) this.#next();
    else this.#letGo();
  }

  async #record(runId: string, spec: Spec, { report, answers }: Extract<RunEnd, { kind: "finished" }>): Promise<void> {
    const key = await runKey(spec);
    const outcome = outcomeOf(key, runId, report, answers);
    this.#outcomes.set(key, outcome);
    this.#failures.delete(key);
    await this.#guard(() => this.#options.outcomes.put(outcome));
  }

  /** Begins the next cell; lets the lock go where there is none, or the device is taken. */
  #next(): void {
    const { plan } = this.store.getState();
    const cell = plan.kind === "ready" ? nextCell(plan.cells, plan.states) : undefined;
    const runId = cell === undefined ? null : this.#options.begin(cell.spec);
    if (cell === undefined || runId === null) return this.#letGo();
    this.store.setState({ queue: { kind: "running", key: cell.key, runId, pausing: false } });
    this.refresh();
  }

  #letGo(): void {
    this.#release?.();
    this.#release = null;
  }

  /** Until the tab that runs the queue lets it go. */
  #waitElsewhere(): void {
    this.store.setState({ queue: { kind: "elsewhere" } });
    void this.#guard(async () => {
      await this.#options.tableLocks.whenFree(QUEUE_LOCK);
      if (this.store.getState().queue.kind === "elsewhere") this.store.setState({ queue: IDLE });
      await this.#readOutcomes();
    });
  }

  #setPausing(pausing: boolean): void {
    const { queue } = this.store.getState();
    if (queue.kind === "running") this.store.setState({ queue: { ...queue, pausing } });
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

  async #readOutcomes(): Promise<void> {
    for (const outcome of await this.#options.outcomes.all()) this.#outcomes.set(outcome.key, outcome);
    this.refresh();
  }

  async #readOutcome(key: string): Promise<void> {
    const outcome = await this.#options.outcomes.get(key);
    if (outcome !== undefined) this.#outcomes.set(key, outcome);
    this.refresh();
  }

  /** The stored document, unless this tab runs the one that it shows. */
  async #readTable(): Promise<void> {
    const stored = await this.#options.tables.get("current");
    if (stored === undefined || this.store.getState().queue.kind === "running") return;
    this.#failures = new Map(stored.failures.map(({ key, failure, run }) => [key, { failure, run }]));
    await this.#check(stored.input);
  }

  async #save(): Promise<void> {
    const { input } = this.store.getState();
    if (input === null) return;
    const failures = [...this.#failures].map(([key, { failure, run }]) => ({ key, failure, run }));
    await this.#guard(() => this.#options.tables.put({ id: "current", input, failures }));
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.store.setState({ storageProblem: this.#options.describeError(error) });
    }
  }
}
