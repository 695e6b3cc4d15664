/**
 * @file One library's first run of a piece of work. Who fails here takes no further part in that piece, and who does
 * not come to an end takes no part in the rest of the run; the others are measured all the same.
 */

import type { Contender, Runnable } from "../contenders/contender.ts";

export interface Opened<R extends Runnable> {
  readonly contender: Contender;
  readonly runnable: R;
  /** ms of the first run, with what it compiles. */
  readonly cold: number;
}

/** "stuck": it may still be at work, so it has to stay out of what follows. */
export type Failure = "failed" | "stuck";

/** Told of each library that failed, and why. */
export type OnFailure = (contender: string, why: string, kind: Failure) => void;

class Stuck extends Error {}

/**
 * Opens the work with each contender that can do it and runs it once.
 * @param patienceMs how long each may take for that
 */
export async function openAll<R extends Runnable>(
  contenders: readonly Contender[],
  open: (contender: Contender) => Promise<R | undefined>,
  onFailure: OnFailure,
  patienceMs: number,
): Promise<Opened<R>[]> {
  const opened: Opened<R>[] = [];
  for (const contender of contenders) {
    let runnable: R | undefined;
    const first = async (): Promise<number> => {
      runnable = await open(contender);
      if (!runnable) return 0;
      const started = performance.now();
      await runnable.run();
      await runnable.settle();
      return performance.now() - started;
    };
    try {
      const cold = await within(patienceMs, first());
      if (runnable) opened.push({ contender, runnable, cold });
    } catch (error) {
      if (error instanceof Stuck) {
        onFailure(contender.name, error.message, "stuck");
      } else {
        runnable?.destroy();
        onFailure(contender.name, reason(error), "failed");
      }
    }
  }
  return opened;
}

/** @throws Stuck when the work takes longer */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Stuck(`no result of a first run within ${Math.round(ms / 1000)} s; it takes no further part`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
    // If it fails later, that has been said.
    work.catch(() => undefined);
  }
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
