/**
 * @file The optimiser steps of a schedule, one after the other. While the device computes a step, the host packs the
 * batches of the next one and records its commands:
 *
 *     device   ───── step n ─────┐   ┌───── step n + 1 ─────
 *     host     prepare n + 1 ────┴───┘ (read the loss of n; whatever happens between two steps) ▸ submit n + 1
 *
 * A step is submitted only once the loss of the one before is known, so that a pause, a stop, a snapshot and a
 * divergence always find the state after a whole number of steps.
 */
import { batchSize, packBatch, examplesAt } from "../batch/packBatch.ts";
import type { BatchCapacity } from "../batch/batch.ts";
import type { StepBatches } from "./epochs.ts";
import type { TokenizedExample } from "../text/example.ts";
import { capacityFor } from "./capacities.ts";
import { learningRate, type Schedule } from "./schedule.ts";
import type { PreparedStep, StepResult, Trainer } from "./trainer.ts";

/** One optimiser step of a schedule. */
export interface ScheduledStep {
  /** 0-based. */
  readonly step: number;
  /** 0-based. */
  readonly epoch: number;
  readonly microBatches: StepBatches;
}

export interface StepRunnerOptions<Step extends ScheduledStep> {
  readonly trainer: Pick<Trainer, "prepare" | "take">;
  /** The rows that the micro-batches refer to by index. */
  readonly examples: readonly TokenizedExample[];
  /** The steps that are left, in order. */
  readonly steps: Iterator<Step>;
  /** Steps of the whole schedule. */
  readonly totalSteps: number;
  readonly schedule: Schedule;
  readonly packing: boolean;
  /** Shapes that the trainer was built for. */
  readonly capacities: readonly BatchCapacity[];
}

export interface TakenStep {
  readonly result: StepResult;
  readonly learning_rate: number;
  /** Tokens of the rows, padding not counted. */
  readonly tokens: number;
}

interface Prepared {
  readonly step: PreparedStep;
  readonly tokens: number;
}

export class StepRunner<Step extends ScheduledStep> {
  readonly #options: StepRunnerOptions<Step>;
  #next: Step | null;
  /** The next step, prepared; or the error of preparing it, which belongs to that step and not to the one before. */
  #ahead: { readonly prepared: Prepared } | { readonly error: unknown } | null = null;

  constructor(options: StepRunnerOptions<Step>) {
    this.#options = options;
    this.#next = this.#draw();
  }

  /** The step that `take` would take; null after the last. */
  get next(): Step | null {
    return this.#next;
  }

  /**
   * Takes `next`.
   * @throws DivergedError when the loss or the gradient is not a number
   */
  async take(): Promise<TakenStep> {
    const { trainer, schedule, totalSteps } = this.#options;
    const step = this.#next;
    if (step === null) throw new Error("all steps were taken");
    const ahead = this.#ahead ?? { prepared: this.#prepare(step) };
    if ("error" in ahead) throw ahead.error;
    const { prepared } = ahead;
    const learning_rate = learningRate(schedule, step.step, totalSteps, step.epoch);
    const taken = trainer.take(prepared.step, learning_rate);
    this.#next = this.#draw();
    this.#ahead = this.#next && this.#tryToPrepare(this.#next);
    return { result: await taken, learning_rate, tokens: prepared.tokens };
  }

  #draw(): Step | null {
    const drawn = this.#options.steps.next();
    return drawn.done === true ? null : drawn.value;
  }

  #tryToPrepare(step: Step): { readonly prepared: Prepared } | { readonly error: unknown } {
    try {
      return { prepared: this.#prepare(step) };
    } catch (error) {
      return { error };
    }
  }

  #prepare({ microBatches }: Step): Prepared {
    const { trainer, examples, packing, capacities } = this.#options;
    const packed = microBatches.map((indices) => {
      const picked = examplesAt(examples, indices);
      return packBatch(picked, { packing, capacity: capacityFor(capacities, batchSize(picked, packing)) });
    });
    return { step: trainer.prepare(packed), tokens: packed.reduce((sum, { realTokens }) => sum + realTokens, 0) };
  }
}
