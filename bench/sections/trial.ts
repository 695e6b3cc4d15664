/**
 * @file One library's first run of a piece of work. Who fails here takes no further part in that piece; the others are measured all
 * the same.
 */

import type { Contender, Runnable } from "../contenders/contender.ts";

export interface Opened<R extends Runnable> {
  readonly contender: Contender;
  readonly runnable: R;
  /** ms of the first run, with what it compiles. */
  readonly cold: number;
}

/** Told of each library that failed, and why. */
export type OnFailure = (contender: string, why: string) => void;

/** Opens the work with each contender that can do it and runs it once. */
export async function openAll<R extends Runnable>(contenders: readonly Contender[], open: (contender: Contender) => Promise<R | undefined>, onFailure: OnFailure): Promise<Opened<R>[]> {
  const opened: Opened<R>[] = [];
  for (const contender of contenders) {
    let runnable: R | undefined;
    try {
      runnable = await open(contender);
      if (!runnable) continue;
      const started = performance.now();
      await runnable.run();
      await runnable.settle();
      opened.push({ contender, runnable, cold: performance.now() - started });
    } catch (error) {
      runnable?.destroy();
      onFailure(contender.name, reason(error));
    }
  }
  return opened;
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
