/**
 * @file The steps of a run, as long as it is: a list that grows without being copied.
 *
 * Lists are immutable views of one array that is only appended to, so that a store can hold each of them, and React
 * sees that it is another one. Appending to the newest view costs what is appended; to an earlier one, a copy.
 */
import type { StepMetrics } from "../../experiment/run/events.ts";

/** What is read of steps, oldest first; an array will do. */
export interface Steps extends Iterable<StepMetrics> {
  readonly length: number;
  at(index: number): StepMetrics | undefined;
  slice(start?: number, end?: number): readonly StepMetrics[];
}

export class StepList implements Steps {
  readonly length: number;
  /** Holds these steps first, and perhaps those of later views. */
  readonly #shared: StepMetrics[];

  private constructor(shared: StepMetrics[], length: number) {
    this.#shared = shared;
    this.length = length;
  }

  /** @param storage empty; tests count what is done with it */
  static of(steps: Iterable<StepMetrics>, storage: StepMetrics[] = []): StepList {
    for (const step of steps) storage.push(step);
    return new StepList(storage, storage.length);
  }

  append(steps: readonly StepMetrics[]): StepList {
    const isNewest = this.#shared.length === this.length;
    const shared = isNewest ? this.#shared : this.#shared.slice(0, this.length);
    for (const step of steps) shared.push(step);
    return new StepList(shared, shared.length);
  }

  at(index: number): StepMetrics | undefined {
    const place = index < 0 ? this.length + index : index;
    return place < this.length ? this.#shared[place] : undefined;
  }

  slice(start = 0, end = this.length): readonly StepMetrics[] {
    const place = (index: number): number => Math.min(this.length, index < 0 ? this.length + index : index);
    return this.#shared.slice(Math.max(0, place(start)), Math.max(0, place(end)));
  }

  *[Symbol.iterator](): Iterator<StepMetrics> {
    for (let i = 0; i < this.length; i += 1) {
      const step = this.#shared[i];
      if (step !== undefined) yield step;
    }
  }
}

/** The steps with those of a batch; what the batch repeats, after a resume, is replaced. */
export function withSteps(steps: Steps, batch: readonly StepMetrics[]): StepList {
  const first = batch[0]?.step ?? Infinity;
  const list = steps instanceof StepList ? steps : StepList.of(steps);
  if ((list.at(-1)?.step ?? 0) < first) return list.append(batch);
  return StepList.of([...list].filter(({ step }) => step < first)).append(batch);
}
