/**
 * @file Measuring kernels in the GPU worker while nothing else goes on there, and keeping what was found.
 *
 *     a command is obeyed ──▸ none has been for IDLE_MS ──▸ measure what was met, for a few seconds at most ──▸ keep it
 *              ▲                                               │ a command comes: it waits for one timing
 *              └───────────────────────────────────────────────┘
 *
 * Nobody asked for these measurements, so whatever goes wrong with them is told in the device panel and nowhere else.
 */
import type { Gpu } from "../../engine/device.ts";
import { BasinError } from "../../base/error.ts";
import { describeFastPaths } from "../../engine/fastPaths.ts";
import type { KernelDescription } from "../../engine/matmul/registry.ts";
import { measureRoutes, type MeasureOptions } from "../../engine/routing/measure.ts";
import { forgetRoutes, loadRoutes, saveRoutes, type RouteStore } from "../../experiment/measure/kernelRoutes.ts";
import { routeRows, type RouteRow } from "../../experiment/measure/routeRows.ts";

/** "built_in": nothing is measured, and nothing that was is used. */
export type KernelChoice = "measured" | "built_in";

export type TuningState =
  | { readonly kind: "resting" }
  /** `asked`: by the user, who may stop it. */
  | { readonly kind: "measuring"; readonly asked: boolean }
  /** Not tried again by itself on this device. */
  | { readonly kind: "failed"; readonly why: string };

/** What the device panel shows. */
export interface KernelsReport {
  readonly choice: KernelChoice;
  readonly state: TuningState;
  /** Optional fast paths that are in use, each checked on this device. */
  readonly fastPaths: readonly string[];
  readonly rows: readonly RouteRow[];
  /** What each kernel is. */
  readonly kernels: readonly KernelDescription[];
  /** Products that were met and are not measured. */
  readonly waiting: number;
  /** false: this browser keeps nothing, and the measurements end with the page. */
  readonly persisted: boolean;
}

/** What the panel may ask; each is answered by a report. */
export type KernelsCommand = "look" | "measure" | "stop" | "forget" | "use_measured" | "use_built_in";

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
const SOFTWARE_BUDGET_MS = 3000;
const GPU_BUDGET_MS = 2000;
const ASKED_BUDGET_MS = 60_000;
/** Name under which the choice is kept. */
const CHOICE = "choice";

interface Measuring {
  readonly asked: boolean;
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
  #commands = 0;
  #cancelIdle: () => void = () => undefined;
  #measuring: Measuring | null = null;
  #failure: string | null = null;
  /** Routes that the store has. */
  #saved = 0;
  #kept = true;
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

  /** Nothing is measured while `work` goes on. It may have to wait for `letGo` before it uses the device. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#commands += 1;
    this.#cancelIdle();
    this.#interrupt();
    try {
      return await work();
    } finally {
      this.#commands -= 1;
      this.#rest();
    }
  }

  /** When this has come, no measurement uses the device. */
  async letGo(): Promise<void> {
    await this.#measuring?.ended;
  }

  /** @throws BasinError for a measurement while something else uses the device, or when there is none */
  async wish(wish: KernelsCommand): Promise<KernelsReport> {
    const gpu = this.#gpu;
    if (gpu === null)
      throw new BasinError({ what: "There is no device to measure on", where: "kernels", fix: "Reload the page." });
    switch (wish) {
      case "look":
        break;
      case "measure":
        this.#interrupt();
        await this.letGo();
        if (this.#commands > 0)
          throw new BasinError({
            what: "Something is using the GPU",
            where: "kernels",
            fix: "Measure when it has ended.",
          });
        this.#failure = null;
        this.#start(gpu, true, ASKED_BUDGET_MS);
        break;
      case "stop":
        this.#interrupt();
        await this.letGo();
        break;
      case "forget":
        await this.during(async () => {
          await this.letGo();
          await this.#saving;
          this.#saved = 0;
          this.#failure = null;
          await forgetRoutes(gpu, this.#store, this.#platform).catch((cause: unknown) => {
            // Where nothing could be kept there is nothing to forget.
            if (!this.#kept) return;
            throw new BasinError({
              what: "The browser's storage did not give the kept measurements up: they are forgotten until the page is opened again",
              where: "kernels",
              fix: "Try again, or choose Built-in choice, which uses none of them.",
              cause,
            });
          });
        });
        break;
      case "use_measured":
      case "use_built_in":
        await this.during(() => this.#choose(gpu, wish === "use_measured" ? "measured" : "built_in"));
        break;
    }
    return this.#report(gpu);
  }

  #report(gpu: Gpu): KernelsReport {
    const { router } = gpu;
    const measuring = this.#measuring;
    return {
      choice: this.#choice,
      state:
        measuring !== null
          ? { kind: "measuring", asked: measuring.asked }
          : this.#failure !== null
            ? { kind: "failed", why: this.#failure }
            : { kind: "resting" },
      fastPaths: describeFastPaths(gpu),
      rows: routeRows(router.table),
      kernels: gpu.matmulKernels.descriptions,
      waiting: this.#choice === "measured" ? router.pending.length : 0,
      persisted: this.#kept,
    };
  }

  async #choose(gpu: Gpu, choice: KernelChoice): Promise<void> {
    await this.letGo();
    await this.#saving;
    this.#choice = choice;
    this.#kept = await this.#store.write(CHOICE, choice).then(
      () => true,
      () => false,
    );
    // What is kept stays in the store for the day when it is wanted again.
    if (choice === "built_in") gpu.router.clear();
    else await this.#load(gpu);
  }

  async #load(gpu: Gpu): Promise<void> {
    if (this.#choice === "measured") await loadRoutes(gpu, this.#store, this.#platform);
    this.#saved = count(gpu);
  }

  #interrupt(): void {
    if (this.#measuring !== null) this.#measuring.interrupted = true;
  }

  /** Waits until nothing has been under way for a while. */
  #rest(): void {
    if (this.#commands > 0) return;
    this.#cancelIdle();
    this.#cancelIdle = this.#after(IDLE_MS, () => {
      const gpu = this.#gpu;
      if (gpu === null || this.#commands > 0 || this.#measuring !== null || this.#choice === "built_in") return;
      // A run may have measured something itself.
      if (gpu.router.pending.length === 0 || this.#failure !== null) this.#save(gpu);
      else this.#start(gpu, false, gpu.adapter.software ? SOFTWARE_BUDGET_MS : GPU_BUDGET_MS);
    });
  }

  #start(gpu: Gpu, asked: boolean, budgetMs: number): void {
    const measuring: Measuring = {
      asked,
      interrupted: false,
      ended: Promise.resolve().then(() => this.#run(gpu, measuring, budgetMs)),
    };
    this.#measuring = measuring;
  }

  /** Never throws. */
  async #run(gpu: Gpu, measuring: Measuring, budgetMs: number): Promise<void> {
    try {
      // On a lost device some promises never come.
      const lost = gpu.lost.then(() => void (measuring.interrupted = true));
      await Promise.race([this.#measure(gpu, { budgetMs, interrupted: () => measuring.interrupted }), lost]);
    } catch (error) {
      if (this.#gpu === gpu) this.#failure = error instanceof Error ? error.message : String(error);
    } finally {
      this.#measuring = null;
    }
    if (this.#gpu === gpu) this.#save(gpu);
  }

  #save(gpu: Gpu): void {
    this.#saving = this.#saving.then(() => this.#write(gpu));
  }

  /** Never throws. */
  async #write(gpu: Gpu): Promise<void> {
    if (this.#choice === "built_in" || count(gpu) === this.#saved) return;
    await this.#alone(async () => {
      // Another tab may have measured, too: what was known first stays.
      await loadRoutes(gpu, this.#store, this.#platform);
      this.#kept = await saveRoutes(gpu, this.#store, this.#platform);
    });
    this.#saved = count(gpu);
  }
}

function count({ router }: Gpu): number {
  return Object.keys(router.table).length;
}

function afterMs(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

/** As `measureRoutes`, and leaves no trace where others look: neither an error that the next work would be blamed for, nor a peak of memory. */
async function measureApart(gpu: Gpu, options: MeasureOptions): Promise<void> {
  await gpu.memory.excludeFromPeak(async () => {
    try {
      await measureRoutes(gpu, options);
    } finally {
      await gpu.device.queue.onSubmittedWorkDone();
      gpu.check();
    }
  });
}
