/**
 * @file How long passes take on a device: by its own timestamps where they are offered, else by the page's clock, from
 * submission to the notice of the end. Both are coarse: browsers round timestamps to 0.1 ms and clocks to as much as
 * several milliseconds, and some notice late that work has ended.
 */

import { workDone } from "../completion.ts";
import type { Gpu } from "../device.ts";
import { DispatchTimer, canProfile } from "../profile.ts";

/** Something that can be recorded any number of times. */
export interface Timed {
  record(pass: GPUComputePassEncoder): void;
}

/** ms to which browsers round timestamps. */
const TIMESTAMP_STEP = 0.1;
/** Submissions of nothing, whose time is what a notice takes. */
const EMPTY_SUBMISSIONS = 5;
/** What timestamps may be of the time by the page's clock, and how many of its errors may lie between. */
const AGREEMENT = { least: 0.5, most: 1.2, errors: 4 };

export class PassClock {
  readonly #gpu: Gpu;
  /** ms by which a reading of the page's clock may be wrong. */
  readonly #pageError: number;
  /** Undefined where there are no timestamps, or they are wrong. */
  #timer: DispatchTimer | undefined;

  private constructor(gpu: Gpu, pageError: number, timer: DispatchTimer | undefined) {
    this.#gpu = gpu;
    this.#pageError = pageError;
    this.#timer = timer;
  }

  /** @throws MemoryError when the device is out of memory */
  static async open(gpu: Gpu): Promise<PassClock> {
    const notices: number[] = [];
    for (let i = 0; i < EMPTY_SUBMISSIONS; i += 1) notices.push(await submit(gpu, gpu.device.createCommandEncoder()));
    const notice = notices.sort((a, b) => a - b)[Math.floor(EMPTY_SUBMISSIONS / 2)] ?? 0;
    const pageError = clockStep(() => performance.now()) + notice;
    return new PassClock(gpu, pageError, canProfile(gpu) ? await DispatchTimer.create(gpu, 1) : undefined);
  }

  /**
   * ms by which a reading may be wrong. It grows when timestamps are found to disagree with the page's clock: readings
   * before that are void.
   */
  get error(): number {
    return this.#timer ? TIMESTAMP_STEP : this.#pageError;
  }

  /** ms of so many runs, one after the other. */
  async time(work: Timed, runs: number): Promise<number> {
    const timer = this.#timer;
    const commands = this.#gpu.device.createCommandEncoder();
    const pass = commands.beginComputePass(timer ? { timestampWrites: timer.writes(0) } : {});
    for (let i = 0; i < runs; i += 1) work.record(pass);
    pass.end();
    timer?.resolve(commands);
    const ms = await submit(this.#gpu, commands);
    if (!timer) return ms;
    const [stamped = 0] = await timer.read();
    if (this.#agree(stamped, ms)) return stamped;
    this.destroy();
    return ms;
  }

  destroy(): void {
    this.#timer?.destroy();
    this.#timer = undefined;
  }

  #agree(stamped: number, ms: number): boolean {
    const between = AGREEMENT.errors * this.#pageError;
    return stamped >= AGREEMENT.least * (ms - between) && stamped <= AGREEMENT.most * (ms + between);
  }
}

/**
 * The step of a clock: ms between two of its readings that differ.
 * @param now ms
 */
export function clockStep(now: () => number): number {
  const change = (): number => {
    const before = now();
    for (;;) {
      const after = now();
      if (after !== before) return after - before;
    }
  };
  // Steps need not be even.
  return Math.max(change(), change());
}

/** ms until the end is noticed. */
async function submit(gpu: Gpu, commands: GPUCommandEncoder): Promise<number> {
  const started = performance.now();
  gpu.device.queue.submit([commands.finish()]);
  await workDone(gpu.device);
  gpu.check();
  return performance.now() - started;
}
