/** @file What the page shows of the edited experiment before it runs: its rows, and what a run would take. */
import type { Spec } from "../../experiment/spec/spec.ts";
import { createPlanStore, type PlanStore } from "../setup/planStore.ts";
import { toFailure } from "../support/failure.ts";
import type { LabClient } from "../worker/client.ts";
import type { LabEvent } from "../worker/protocol/messages.ts";
import type { RowFilter } from "../worker/protocol/rows.ts";
import { createRowsStore, PAGE_SIZE, shownRows, type RowsStore } from "./rowsStore.ts";

/** Which rows: `key` names the data that a spec describes, so that equal data are not fetched twice. */
export interface RowsQuery {
  readonly spec: Spec;
  readonly key: string;
  readonly filter: RowFilter;
  readonly offset: number;
}

export class PreviewController {
  readonly rows: RowsStore = createRowsStore();
  readonly plan: PlanStore = createPlanStore();
  readonly #client: LabClient;

  constructor(client: LabClient) {
    this.#client = client;
  }

  /** Loads a page of rows, unless it is shown already. */
  async showRows({ spec, key, filter, offset }: RowsQuery): Promise<void> {
    const state = this.rows.getState();
    if (state.kind === "ready" && state.key === key && state.filter === filter && state.offset === offset) return;
    this.rows.setState({ kind: "loading", key, filter, offset, before: shownRows(state) }, true);
    const isWanted = (): boolean => {
      const now = this.rows.getState();
      return now.kind === "loading" && now.key === key && now.filter === filter && now.offset === offset;
    };
    try {
      const answer = await this.#client.request("rows", { spec, filter, offset, count: PAGE_SIZE });
      if (isWanted()) this.rows.setState({ kind: "ready", key, filter, offset, ...answer }, true);
    } catch (error) {
      const columns = isWanted() ? await this.#columns(spec) : null;
      if (isWanted())
        this.rows.setState({ kind: "failed", key, failure: toFailure(error, "training rows"), columns }, true);
    }
  }

  /** Asks what a run of `spec` would take, unless that is known. */
  async planFor(spec: Spec, key: string): Promise<void> {
    if (this.plan.getState().key === key) return;
    this.plan.setState({ kind: "planning", key }, true);
    const isWanted = (): boolean => this.plan.getState().key === key;
    try {
      const plan = await this.#client.request("plan", { spec });
      if (isWanted()) this.plan.setState({ kind: "planned", key, plan }, true);
    } catch (error) {
      if (isWanted()) this.plan.setState({ kind: "impossible", key, failure: toFailure(error, "plan") }, true);
    }
  }

  /** Clears the rows until they are requested again. */
  clearRows(): void {
    this.rows.setState({ kind: "empty" }, true);
  }

  onEvents(events: readonly LabEvent[]): void {
    // What was asked of it is asked of the next one.
    if (events.some(({ type }) => type === "worker_lost")) this.invalidate();
  }

  /** Requests plan and rows again, because a name may refer to something else now. */
  invalidate(): void {
    this.plan.setState({ kind: "unknown", key: null }, true);
    this.clearRows();
  }

  /** Where rows cannot be shown their columns may still be mapped; null where there are none. */
  #columns(spec: Spec): Promise<readonly string[] | null> {
    return spec.data.train.source === "apothecary"
      ? Promise.resolve(null)
      : this.#client.request("columns", { spec }).catch(() => null);
  }
}
