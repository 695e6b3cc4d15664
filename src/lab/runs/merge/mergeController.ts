/** @file Writing a model with an adapter merged into it, one at a time. */
import type { ChatAdapter } from "../../chat/adapters.ts";
import { toFailure } from "../../support/failure.ts";
import type { LabClient } from "../../worker/client.ts";
import type { MergeEvent, MergeTarget } from "../../worker/protocol/merge.ts";
import type { LabEvent } from "../../worker/protocol/messages.ts";
import { afterMerge, createMergeStore, type MergeStore } from "./mergeStore.ts";

export interface MergeOrder {
  readonly model: string;
  readonly adapter: Pick<ChatAdapter, "id" | "files">;
  readonly target: MergeTarget;
  /** Where to, in words. */
  readonly location: string;
}

export class MergeController {
  readonly store: MergeStore = createMergeStore();
  readonly #client: LabClient;
  readonly #newId: () => string;
  /** The merge whose adapter is being read: the worker has not heard of it yet. */
  #reading: string | null = null;

  constructor(client: LabClient, newId: () => string) {
    this.#client = client;
    this.#newId = newId;
  }

  /** Not while another model is written. The adapter is read first. */
  async start({ model, adapter, target, location }: MergeOrder): Promise<void> {
    if (this.store.getState().kind === "writing") return;
    const mergeId = this.#newId();
    this.store.setState({ kind: "writing", id: mergeId, adapterId: adapter.id, location, done: 0, total: 0 }, true);
    this.#reading = mergeId;
    try {
      const files = await adapter.files();
      if (this.#reading !== mergeId) return;
      this.#client.send({ type: "merge", mergeId, model, adapter: files, dtype: null, target });
    } catch (error) {
      if (this.#reading !== mergeId) return;
      this.store.setState({ kind: "failed", adapterId: adapter.id, failure: toFailure(error, "adapter") }, true);
    }
    this.#reading = null;
  }

  stop(): void {
    const state = this.store.getState();
    if (state.kind !== "writing") return;
    if (this.#reading === null) return this.#client.send({ type: "merge_stop", mergeId: state.id });
    this.#reading = null;
    this.store.setState({ kind: "idle" }, true);
  }

  /** The archive has been offered for download. @param location where it is now, in words */
  onArchiveSaved(location: string): void {
    const state = this.store.getState();
    if (state.kind === "done") this.store.setState({ ...state, archive: null, location }, true);
  }

  onEvents(events: readonly LabEvent[]): void {
    for (const event of events) {
      const state = this.store.getState();
      if (isMergeEvent(event)) this.store.setState(afterMerge(state, event), true);
      else if (event.type === "worker_lost" && state.kind === "writing") {
        this.#reading = null;
        this.store.setState({ kind: "failed", adapterId: state.adapterId, failure: event.failure }, true);
      }
    }
  }
}

function isMergeEvent(event: LabEvent): event is MergeEvent {
  return event.type === "merge_progress" || event.type === "merge_done" || event.type === "merge_failed";
}
