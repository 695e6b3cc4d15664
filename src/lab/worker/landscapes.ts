/** @file Landscapes in the GPU worker: one at a time; between two points it can be paused or stopped. */
import type { Gpu } from "../../engine/device.ts";
import type { LandscapeSpec } from "../../experiment/landscape/landscapeSpec.ts";
import { toFailure } from "../support/failure.ts";
import type { PageEnvironment } from "./environment.ts";
import type { LandscapeCommand, LandscapeEvent } from "./protocol/landscape.ts";

interface Current {
  readonly id: string;
  readonly stop: AbortController;
  /** Lets a paused landscape continue; null while it is not paused. */
  resume: (() => void) | null;
  paused: Promise<void> | null;
}

export interface LandscapesOptions {
  readonly environment: Pick<PageEnvironment, "within">;
  readonly gpu: () => Promise<Gpu>;
  readonly emit: (event: LandscapeEvent) => void;
}

export class Landscapes {
  readonly #options: LandscapesOptions;
  #current: Current | null = null;

  constructor(options: LandscapesOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#current !== null;
  }

  /** Never throws: a failure is an event. */
  async obey(command: LandscapeCommand): Promise<void> {
    if (command.type === "landscape") return this.#run(command.landscapeId, command.spec);
    const current = this.#current;
    if (current?.id !== command.landscapeId) return;
    switch (command.type) {
      case "landscape_pause":
        current.paused ??= new Promise((resolve) => (current.resume = resolve));
        return;
      case "landscape_resume":
        this.#resume(current);
        return;
      case "landscape_stop":
        current.stop.abort();
        this.#resume(current);
    }
  }

  #resume(current: Current): void {
    current.resume?.();
    current.resume = null;
    current.paused = null;
  }

  async #run(landscapeId: string, spec: LandscapeSpec): Promise<void> {
    const { environment, gpu, emit } = this.#options;
    const current: Current = { id: landscapeId, stop: new AbortController(), resume: null, paused: null };
    this.#current = current;
    try {
      // Seldom wanted.
      const { runLandscape } = await import("../../experiment/landscape/landscapeRun.ts");
      const document = await environment.within(async (scope) =>
        runLandscape({
          gpu: await gpu(),
          spec,
          environment: scope,
          gate: () => current.paused ?? Promise.resolve(),
          signal: current.stop.signal,
          events: {
            onBegin: (begun) => emit({ type: "landscape_begun", landscapeId, begun }),
            onPoint: (point) => emit({ type: "landscape_point", landscapeId, point }),
          },
        }),
      );
      emit({ type: "landscape_done", landscapeId, document });
    } catch (error) {
      const failure = current.stop.signal.aborted ? null : toFailure(error, "landscape");
      emit({ type: "landscape_failed", landscapeId, failure });
    } finally {
      this.#current = null;
    }
  }
}
