/** @file Writing a model with an adapter merged into it, one at a time. */
import type { ChatAdapter } from "../../chat/adapters.ts";
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

  constructor(client: LabClient, newId: () => string) {
    this.#client = client;
    this.#newId = newId;
  }

  /** Not while another model is written. */
  start({ model, adapter, target, location }: MergeOrder): void {
    if (this.store.getState().kind === "writing") return;
    const id = this.#newId();
    this.store.setState({ kind: "writing", id, adapterId: adapter.id, location, done: 0, total: 0 }, true);
    this.#client.send({ type: "merge", mergeId: id, model, adapter: adapter.files, dtype: null, target });
  }

  stop(): void {
    const state = this.store.getState();
    if (state.kind === "writing") this.#client.send({ type: "merge_stop", mergeId: state.id });
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
      else if (event.type === "worker_lost" && state.kind === "writing")
        this.store.setState({ kind: "failed", adapterId: state.adapterId, failure: event.failure }, true);
    }
  }
}

function isMergeEvent(event: LabEvent): event is MergeEvent {
  return event.type === "merge_progress" || event.type === "merge_done" || event.type === "merge_failed";
}
