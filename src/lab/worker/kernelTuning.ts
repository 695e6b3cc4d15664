/**
 * @file Measuring kernels in the GPU worker while nothing else runs there, and storing what was found.
 *
 *     a command ends ──▸ none came for IDLE_MS ──▸ measure pending matmuls, for a few seconds at most ──▸ store
 *              ▲                                        │ a command comes: it waits for one timing
 *              └────────────────────────────────────────┘
 *
 * Nobody asked for these measurements, so whatever goes wrong with them is shown in the device panel and nowhere else.
 */
import { BasinError } from "../../base/error.ts";
import { workDone } from "../../engine/completion.ts";
import type { Gpu } from "../../engine/device.ts";
import { onDeviceLost, unlessLost } from "../../engine/deviceLoss.ts";
import { measureRoutes, type MeasureOptions } from "../../engine/routing/measure.ts";
import { forgetRoutes, loadRoutes, saveRoutes, type RouteStore } from "../../experiment/measure/kernelRoutes.ts";
import {
  kernelsReport,
  type KernelChoice,
  type KernelsCommand,
  type KernelsReport,
  type TuningState,
} from "./kernelsReport.ts";

export interface KernelTuningOptions {
  readonly store: RouteStore;
  /** What a measurement depends on beside the device. */
  readonly platform: string;
  /** @returns what cancels it */
  readonly after?: (ms: number, work: () => void) => () => void;
  readonly measure?: (gpu: Gpu, options: MeasureOptions) => Promise<unknown>;
  /** Holds off the other tabs that would write to the store. Does the work in any case. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
}

const IDLE_MS = 1000;
/** How long kernels are measured at a time. */
const SOFTWARE_BUDGET_MS = 3000;
const GPU_BUDGET_MS = 2000;
const REQUESTED_BUDGET_MS = 60_000;
/** Name under which the choice is stored. */
const CHOICE = "choice";

interface Measurement {
  readonly requested: boolean;
  interrupted: boolean;
  readonly ended: Promise<void>;
}

export class KernelTuning {
  readonly #store: RouteStore;
  readonly #platform: string;
  readonly #after: NonNullable<KernelTuningOptions["after"]>;
  readonly #measure: NonNullable<KernelTuningOptions["measure"]>;
  readonly #alone: KernelTuningOptions["alone"];
  #gpu: Gpu | null = null;
  #choice: KernelChoice = "measured";
  /** Commands under way. */
  #active = 0;
  #cancelIdle: () => void = () => undefined;
  #measurement: Measurement | null = null;
  #failure: string | null = null;
  /** Number of routes in the store. */
  #stored = 0;
  #persisted = true;
  /** Writing, which must not happen across a change of what is to be written. */
  #saving: Promise<void> = Promise.resolve();

  constructor({ store, platform, after = afterMs, measure = measureApart, alone }: KernelTuningOptions) {
    this.#store = store;
    this.#platform = platform;
    this.#after = after;
    this.#measure = measure;
    this.#alone = alone;
  }

  get choice(): KernelChoice {
    return this.#choice;
  }

  /** A device was opened: it gets what was measured on it before. Call before anything is encoded for it. */
  async adopt(gpu: Gpu): Promise<void> {
    this.#failure = null;
    const chosen = await this.#store.read(CHOICE).catch(() => undefined);
    if (chosen !== undefined) this.#choice = chosen === "built_in" ? "built_in" : "measured";
    await this.#load(gpu);
    this.#gpu = gpu;
    void gpu.lost.then(() => {
      if (this.#gpu === gpu) this.#gpu = null;
    });
  }

  /** Nothing is measured during `work`. It may have to wait for `release` before it uses the device. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#active += 1;
    this.#cancelIdle();
    this.#interrupt();
    try {
      return await work();
    } finally {
      this.#active -= 1;
      this.#scheduleIdle();
    }
  }

  /** Resolves once no measurement uses the device. */
  async release(): Promise<void> {
    await this.#measurement?.ended;
  }

  /** @throws BasinError for a measurement while something else uses the device, or when there is none */
  async run(command: KernelsCommand): Promise<KernelsReport> {
    const gpu = this.#gpu;
    if (gpu === null)
      throw new BasinError({ what: "There is no device to measure on", where: "kernels", fix: "Reload the page." });
    switch (command) {
      case "look":
        break;
      case "measure":
        await this.#stop();
        this.#startRequested(gpu);
        break;
      case "stop":
        await this.#stop();
        break;
      case "forget":
        await this.during(() => this.#forget(gpu));
        break;
      case "use_measured":
        await this.during(() => this.#choose(gpu, "measured"));
        break;
      case "use_built_in":
        await this.during(() => this.#choose(gpu, "built_in"));
        break;
    }
    return kernelsReport(gpu, { choice: this.#choice, state: this.#state(), persisted: this.#persisted });
  }

  #state(): TuningState {
    if (this.#measurement !== null) return { kind: "measuring", requested: this.#measurement.requested };
    return this.#failure === null ? { kind: "idle" } : { kind: "failed", why: this.#failure };
  }

  async #stop(): Promise<void> {
    this.#interrupt();
    await this.release();
  }

  async #forget(gpu: Gpu): Promise<void> {
    await this.release();
    await this.#saving;
    this.#stored = 0;
    this.#failure = null;
    await forgetRoutes(gpu, this.#store, this.#platform).catch((cause: unknown) => {
      // Where nothing could be stored there is nothing to forget.
      if (!this.#persisted) return;
      throw new BasinError({
        what:
          "The browser’s storage did not delete the stored measurements: " +
          "they are forgotten until the page is opened again",
        where: "kernels",
        fix: "Try again, or choose the built-in kernels, which use none of them.",
        cause,
      });
    });
  }

  async #choose(gpu: Gpu, choice: KernelChoice): Promise<void> {
    await this.release();
    await this.#saving;
    this.#choice = choice;
    this.#persisted = await this.#store.write(CHOICE, choice).then(
      () => true,
      () => false,
    );
    // What is stored stays there for the day when it is wanted again.
    if (choice === "built_in") gpu.router.clear();
    else await this.#load(gpu);
  }

  async #load(gpu: Gpu): Promise<void> {
    if (this.#choice === "measured") await loadRoutes(gpu, this.#store, this.#platform);
    this.#stored = count(gpu);
  }

  #interrupt(): void {
    if (this.#measurement !== null) this.#measurement.interrupted = true;
  }

  /** Measures or stores once no command has been under way for a while. */
  #scheduleIdle(): void {
    if (this.#active > 0) return;
    this.#cancelIdle();
    this.#cancelIdle = this.#after(IDLE_MS, () => {
      const gpu = this.#gpu;
      if (gpu === null || this.#active > 0 || this.#measurement !== null || this.#choice === "built_in") return;
      // A run may have measured something itself.
      if (gpu.router.pending.length === 0 || this.#failure !== null) this.#save(gpu);
      else this.#start(gpu, false, gpu.adapter.software ? SOFTWARE_BUDGET_MS : GPU_BUDGET_MS);
    });
  }

  #startRequested(gpu: Gpu): void {
    if (this.#active > 0)
      throw new BasinError({ what: "Something is using the GPU", where: "kernels", fix: "Measure when it has ended." });
    this.#failure = null;
    this.#start(gpu, true, REQUESTED_BUDGET_MS);
  }

  #start(gpu: Gpu, requested: boolean, budgetMs: number): void {
    const measurement: Measurement = {
      requested,
      interrupted: false,
      ended: Promise.resolve().then(() => this.#runMeasurement(gpu, measurement, budgetMs)),
    };
    this.#measurement = measurement;
  }

  /** Never throws. */
  async #runMeasurement(gpu: Gpu, measurement: Measurement, budgetMs: number): Promise<void> {
    const end = onDeviceLost(gpu, () => (measurement.interrupted = true));
    try {
      // On a lost device some promises never settle.
      await unlessLost(gpu, this.#measure(gpu, { budgetMs, interrupted: () => measurement.interrupted }));
    } catch (error) {
      if (this.#gpu === gpu) this.#failure = error instanceof Error ? error.message : String(error);
    } finally {
      end();
      this.#measurement = null;
    }
    if (this.#gpu === gpu) this.#save(gpu);
  }

  #save(gpu: Gpu): void {
    this.#saving = this.#saving.then(() => this.#write(gpu));
  }

  /** Never throws. */
  async #write(gpu: Gpu): Promise<void> {
    if (this.#choice === "built_in" || count(gpu) === this.#stored) return;
    await this.#alone(async () => {
      // Another tab may have measured, too: what was known first stays.
      await loadRoutes(gpu, this.#store, this.#platform);
      this.#persisted = await saveRoutes(gpu, this.#store, this.#platform);
    });
    this.#stored = count(gpu);
  }
}

function count({ router }: Gpu): number {
  return Object.keys(router.table).length;
}

function afterMs(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

/**
 * As `measureRoutes`, and leaves no trace where others look: neither an error that the next work would be blamed for,
 * nor a peak of memory.
 */
async function measureApart(gpu: Gpu, options: MeasureOptions): Promise<void> {
  await gpu.memory.excludeFromPeak(async () => {
    try {
      await measureRoutes(gpu, options);
    } finally {
      await workDone(gpu.device);
      gpu.check();
    }
  });
}
