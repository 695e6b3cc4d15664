/**
 * @file The protocol: contenders take turns, so that a machine that slows down slows all of them.
 *
 *     warm-up   each runs until twice done, untimed; the very first run (compiling) is reported as "cold"
 *     sample    `calls` runs enqueued back to back, then the end of the queue; ms of one run
 *     round     one sample of each, in an order that rotates
 *
 * Products are enqueued as a step has them, many to a submission, where the library leaves that to its user. `calls` is
 * chosen per contender so that a sample lasts long enough for the clock. Work in another process is timed there.
 */

import type { Runnable } from "../contenders/contender.ts";
import { type Spread, spreadOf } from "../../src/experiment/measure/spread.ts";

export interface Timing extends Spread {
  /** ms of the first run, with what it compiles. */
  readonly cold: number;
  /** Runs of one sample. */
  readonly calls: number;
}

export interface Protocol {
  readonly repetitions: number;
  /** A sample shorter than this takes more runs. */
  readonly sampleMs: number;
  /** How long the first run of each may take. */
  readonly patienceMs: number;
  /** After each round. */
  readonly onRound?: (round: number) => void;
  /** Asked after each round: whether the time is over. One round is always measured. */
  readonly over?: () => boolean;
}

const MOST_CALLS = 4096;

/** Times of each runnable, in the order given. */
export async function interleave(
  runnables: readonly Runnable[],
  { repetitions, sampleMs, onRound, over }: Omit<Protocol, "patienceMs">,
): Promise<Timing[]> {
  const prepared: {
    readonly runnable: Runnable;
    readonly cold: number;
    readonly calls: number;
    readonly samples: number[];
  }[] = [];
  for (const runnable of runnables) {
    const cold = await sample(runnable, 1);
    let calls = 1;
    let ms = await sample(runnable, calls);
    while (ms < sampleMs && calls < MOST_CALLS) {
      calls = Math.min(MOST_CALLS, Math.max(2 * calls, Math.ceil((calls * sampleMs) / Math.max(ms, 0.01))));
      ms = await sample(runnable, calls);
    }
    prepared.push({ runnable, cold, calls, samples: [] });
  }
  for (let round = 0; round < repetitions; round += 1) {
    for (let turn = 0; turn < prepared.length; turn += 1) {
      const one = prepared[(round + turn) % prepared.length];
      if (one) one.samples.push((await sample(one.runnable, one.calls)) / one.calls);
    }
    onRound?.(round + 1);
    if (over?.() === true) break;
  }
  return prepared.map(({ samples, cold, calls }) => ({ ...spreadOf(samples), cold, calls }));
}

async function sample(runnable: Runnable, calls: number): Promise<number> {
  if (runnable.sample) return runnable.sample(calls);
  const started = performance.now();
  if (runnable.runMany) runnable.runMany(calls);
  else for (let i = 0; i < calls; i += 1) await runnable.run();
  await runnable.settle();
  return performance.now() - started;
}
