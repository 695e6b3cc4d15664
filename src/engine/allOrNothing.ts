/**
 * @file Allocation that leaves nothing behind when it fails: whatever was made before the failure is destroyed, so that
 * a smaller run finds the memory.
 */

/** Something that holds memory of the device. */
export interface Destroyable {
  destroy(): void;
}

/** Notes what was made, to be destroyed if a later step fails; returns it. */
export type Own = <R extends Destroyable>(made: R) => R;

/**
 * Makes several things of which none is of use without the others.
 *
 *     allOrNothing(async (own) => ({ a: own(await make("a")), b: own(await make("b")) }))
 *
 * @returns what `build` returns; everything it owns then belongs to the caller
 * @throws what `build` throws, after what it owned is destroyed, last first
 */
export async function allOrNothing<T>(build: (own: Own) => Promise<T>): Promise<T> {
  const made: Destroyable[] = [];
  try {
    return await build((one) => {
      made.push(one);
      return one;
    });
  } catch (error) {
    for (const one of made.reverse()) one.destroy();
    throw error;
  }
}

/** Makes things that are needed for `work` only: whatever it owns is destroyed at its end, last first. */
export async function temporarily<T>(work: (own: Own) => Promise<T>): Promise<T> {
  const made: Destroyable[] = [];
  try {
    return await work((one) => {
      made.push(one);
      return one;
    });
  } finally {
    for (const one of made.reverse()) one.destroy();
  }
}

/**
 * All of what is made concurrently; where one fails, the others are waited for and destroyed.
 * @throws the first failure in order
 */
export async function allTogether<R extends Destroyable>(pending: readonly Promise<R>[]): Promise<R[]> {
  const settled = await Promise.allSettled(pending);
  const made = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failure = settled.find((one) => one.status === "rejected");
  if (failure?.status !== "rejected") return made;
  for (const one of made) one.destroy();
  throw failure.reason;
}

/** A place for something that is replaced when a larger one is needed; there may be no memory for both. */
export class Replaceable<R extends Destroyable> {
  #current: R | undefined;

  /** Undefined before the first one is made and after one could not be made. */
  get current(): R | undefined {
    return this.#current;
  }

  /** Destroys what is there, then makes another. @throws what `make` throws; nothing is there then */
  async replace(make: () => Promise<R>): Promise<R> {
    this.destroy();
    this.#current = await make();
    return this.#current;
  }

  destroy(): void {
    this.#current?.destroy();
    this.#current = undefined;
  }
}
