/**
 * @file Which of several kernels is fastest, by a coarse clock.
 *
 *     each kernel alone   as many runs as last far longer than the clock's error; those far behind are out
 *     the others          in turns, so that a device that slows down slows all; the least of ROUNDS, which other work
 *                         disturbs least
 */

import type { Timings } from "./router.ts";

/** A kernel that is timed. */
export interface Contender {
  readonly kernel: string;
  /** ms of so many runs, by the clock. */
  readonly time: (runs: number) => Promise<number>;
}

export interface RaceOptions {
  /** ms by which the clock may be wrong. */
  readonly error: number;
  /** Asked before each timing: whether the device is needed. */
  readonly interrupted?: () => boolean;
}

const WARM_UPS = 2;
const ROUNDS = 5;
/** A kernel that is slower than the best by this factor is not timed further. */
const HOPELESS = 3;
/** A timing lasts at least so many ms and so many errors of the clock. */
const LEAST_MS = 2;
const LEAST_ERRORS = 10;
const MOST_RUNS = 32_768;
/** How many times as many runs are tried next, at most: the first ones tell little. */
const GROWTH = 16;

interface Trial extends Contender {
  /** Of one timing. */
  readonly runs: number;
  /** ms of one run, the least so far. */
  readonly least: number;
}

/** ms of one run of each kernel; undefined when it was interrupted. */
export async function race(
  contenders: readonly Contender[],
  { error, interrupted = () => false }: RaceOptions,
): Promise<Timings | undefined> {
  const trials: Trial[] = [];
  for (const contender of contenders) {
    const trial = await warmUp(contender, Math.max(LEAST_MS, LEAST_ERRORS * error), interrupted);
    if (!trial) return undefined;
    trials.push(trial);
  }
  const best = Math.min(...trials.map(({ least }) => least));
  const close = trials.filter(({ least }) => least <= HOPELESS * best);
  const times = new Map(trials.map(({ kernel, least }) => [kernel, [least]]));
  for (let round = 0; close.length > 1 && round < ROUNDS; round += 1) {
    for (const { kernel, runs, time } of close) {
      if (interrupted()) return undefined;
      times.get(kernel)?.push((await time(runs)) / runs);
    }
  }
  return Object.fromEntries([...times].map(([kernel, ms]) => [kernel, Math.min(...ms)]));
}

/** The runs that last `leastMs`, and their time. */
async function warmUp(contender: Contender, leastMs: number, interrupted: () => boolean): Promise<Trial | undefined> {
  let runs = 1;
  for (;;) {
    if (interrupted()) return undefined;
    const ms = await contender.time(runs);
    if (ms >= leastMs || runs >= MOST_RUNS) break;
    const wanted = Math.ceil((1.2 * runs * leastMs) / Math.max(ms, 1e-6));
    runs = Math.min(MOST_RUNS, GROWTH * runs, Math.max(runs + 1, wanted));
  }
  let least = Infinity;
  for (let i = 0; i < WARM_UPS; i += 1) {
    if (interrupted()) return undefined;
    // The least: other work on the machine must not rule a kernel out.
    least = Math.min(least, (await contender.time(runs)) / runs);
  }
  return { ...contender, runs, least };
}
