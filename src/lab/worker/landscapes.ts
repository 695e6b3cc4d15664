/**
 * @file Landscapes in the GPU worker: one at a time; between two points it can be paused or stopped.
 *
 * A run that starts has the device to itself: the landscape gives way, frees its memory, and goes on from the points
 * that it has when the run has ended.
 */
import type { Gpu } from "../../engine/device.ts";
import type { LandscapeDocument } from "../../experiment/landscape/landscapeDocument.ts";
import type { KnownPoint, LandscapeOptions } from "../../experiment/landscape/landscapeRun.ts";
import type { LandscapeSpec } from "../../experiment/landscape/landscapeSpec.ts";
import { toFailure } from "../support/failure.ts";
import type { PageEnvironment } from "./environment.ts";
import type { LandscapeCommand, LandscapeEvent } from "./protocol/landscape.ts";

export interface LandscapesOptions {
  readonly environment: Pick<PageEnvironment, "within">;
  readonly gpu: () => Promise<Gpu>;
  readonly emit: (event: LandscapeEvent) => void;
  /** Default: `runLandscape`. */
  readonly measure?: (options: LandscapeOptions) => Promise<LandscapeDocument>;
}

/** The landscape under way: measured, or waiting for a run to end. */
interface Current {
  readonly id: string;
  readonly spec: LandscapeSpec;
  readonly stop: AbortController;
  /** Measured so far; null until the first measuring has begun. */
  fingerprint: string | null;
  readonly points: KnownPoint[];
  /** Lets a paused landscape continue; null while it is not paused. */
  paused: Gate | null;
  /** Opened when the run has ended; null while no run is under way. */
  run: Gate | null;
  /** Ends the measuring under way, and says when it has ended. */
  measuring: { readonly abort: AbortController; readonly ended: Promise<unknown> } | null;
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
        current.paused ??= new Gate();
        return;
      case "landscape_resume":
        current.paused?.open();
        current.paused = null;
        return;
      case "landscape_stop":
        current.stop.abort();
        current.measuring?.abort.abort();
    }
  }

  /** Ends the measuring, to go on after `runEnded`. Resolves when its memory is free. */
  async giveWay(): Promise<void> {
    const current = this.#current;
    if (current === null) return;
    current.run ??= new Gate();
    current.measuring?.abort.abort();
    await current.measuring?.ended;
  }

  runEnded(): void {
    const current = this.#current;
    current?.run?.open();
    if (current !== null) current.run = null;
  }

  async #run(landscapeId: string, spec: LandscapeSpec): Promise<void> {
    const { emit } = this.#options;
    const current: Current = {
      id: landscapeId,
      spec,
      stop: new AbortController(),
      fingerprint: null,
      points: [],
      paused: null,
      run: null,
      measuring: null,
    };
    this.#current = current;
    try {
      const document = await this.#untilMeasured(current);
      emit({ type: "landscape_done", landscapeId, document });
    } catch (error) {
      const failure = current.stop.signal.aborted ? null : toFailure(error, "landscape");
      emit({ type: "landscape_failed", landscapeId, failure });
    } finally {
      this.#current = null;
    }
  }

  async #untilMeasured(current: Current): Promise<LandscapeDocument> {
    const { stop } = current;
    for (;;) {
      if (current.run !== null) {
        this.#options.emit({ type: "landscape_waiting", landscapeId: current.id });
        await current.run.passed(stop.signal);
      }
      stop.signal.throwIfAborted();
      const abort = new AbortController();
      const measured = this.#measure(current, abort.signal);
      current.measuring = { abort, ended: measured.catch(() => undefined) };
      try {
        return await measured;
      } catch (error) {
        if (current.run === null || stop.signal.aborted) throw error;
      } finally {
        current.measuring = null;
      }
    }
  }

  async #measure(current: Current, signal: AbortSignal): Promise<LandscapeDocument> {
    const { environment, gpu, emit } = this.#options;
    const { id: landscapeId, spec, points, fingerprint } = current;
    // Seldom wanted.
    const measure = this.#options.measure ?? (await import("../../experiment/landscape/landscapeRun.ts")).runLandscape;
    return environment.within(async (scope) =>
      measure({
        gpu: await gpu(),
        spec,
        environment: scope,
        known: fingerprint === null ? null : { fingerprint, points: [...points] },
        gate: () => current.paused?.passed(signal) ?? Promise.resolve(),
        signal,
        events: {
          onBegin: (begun) => {
            current.fingerprint = begun.fingerprint;
            emit({ type: "landscape_begun", landscapeId, begun });
            for (const point of points) emit({ type: "landscape_point", landscapeId, point });
          },
          onPoint: (point) => {
            points.push(point);
            emit({ type: "landscape_point", landscapeId, point });
          },
        },
      }),
    );
  }
}

/** Something to wait for that is opened once. */
class Gate {
  readonly #opened: Promise<void>;
  #open: () => void = () => undefined;

  constructor() {
    this.#opened = new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#open();
  }

  /** Resolves when it is open, or the signal is aborted. */
  passed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      void this.#opened.then(resolve);
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
