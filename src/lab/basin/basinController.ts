/** @file Starting, pausing and stopping the landscape on screen. */
import { createStore } from "zustand/vanilla";
import type { HistoryController } from "../runs/historyController.ts";
import { toFailure } from "../support/failure.ts";
import type { LabClient } from "../worker/client.ts";
import { RUN_ADAPTER } from "../worker/protocol/adapterNames.ts";
import type { LandscapeEvent } from "../worker/protocol/landscape.ts";
import type { LabEvent } from "../worker/protocol/messages.ts";
import type { BasinChoice } from "./choices.ts";
import { afterLandscapeEvent, createBasinStore, measuredOf, type BasinStore } from "./basinStore.ts";

export interface BasinControllerOptions {
  readonly client: LabClient;
  readonly history: Pick<HistoryController, "read">;
  readonly newId: () => string;
}

export class BasinController {
  readonly store: BasinStore = createBasinStore();
  /** What was chosen for the next picture. */
  readonly choice = createStore<Partial<BasinChoice>>()(() => ({}));
  readonly #options: BasinControllerOptions;

  constructor(options: BasinControllerOptions) {
    this.#options = options;
  }

  /**
   * Measures a landscape, in place of the one on screen. Not while one is measured.
   * @param value the document, as `basin landscape` reads it
   * @param runId the run whose adapter it names
   */
  async start(value: unknown, runId: string | null): Promise<void> {
    if (this.#measuring !== null) return;
    const { client, history, newId } = this.#options;
    const id = newId();
    this.store.setState({ kind: "opening", id }, true);
    try {
      // Seldom wanted: not with the page.
      const { resolveLandscape } = await import("../../experiment/landscape/landscapeSpec.ts");
      const spec = resolveLandscape(value);
      if (runId !== null) {
        const { adapter } = await history.read(runId);
        if (adapter !== null) client.send({ type: "attach_adapter", name: `${RUN_ADAPTER}${runId}`, files: adapter });
      }
      client.send({ type: "landscape", landscapeId: id, spec });
    } catch (error) {
      this.store.setState({ kind: "failed", failure: toFailure(error, "landscape"), measured: null }, true);
    }
  }

  pause(): void {
    this.#control("landscape_pause", true);
  }

  resume(): void {
    this.#control("landscape_resume", false);
  }

  stop(): void {
    const id = this.#measuring;
    if (id !== null) this.#options.client.send({ type: "landscape_stop", landscapeId: id });
  }

  onEvents(events: readonly LabEvent[]): void {
    for (const event of events) {
      const state = this.store.getState();
      if (isLandscapeEvent(event)) this.store.setState(afterLandscapeEvent(state, event), true);
      else if ((event.type === "worker_lost" || event.type === "device_lost") && this.#measuring !== null)
        this.store.setState({ kind: "failed", failure: event.failure, measured: measuredOf(state) }, true);
    }
  }

  get #measuring(): string | null {
    const state = this.store.getState();
    return state.kind === "opening" || state.kind === "measuring" ? state.id : null;
  }

  #control(type: "landscape_pause" | "landscape_resume", paused: boolean): void {
    const state = this.store.getState();
    if (state.kind !== "measuring") return;
    this.#options.client.send({ type, landscapeId: state.id });
    this.store.setState({ ...state, paused }, true);
  }
}

function isLandscapeEvent(event: LabEvent): event is LandscapeEvent {
  return event.type.startsWith("landscape_");
}
