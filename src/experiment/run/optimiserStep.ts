/**
 * @file A run's planned steps, taken one after the other. The rows of a step are laid out as batches and its commands are recorded while the
 * device still works on the step before:
 *
 *     device   ───── step n ─────┐   ┌───── step n + 1 ─────
 *     host     lay out n + 1 ────┴───┘ (loss of n is read; what happens between two steps; its rate) ▸ send n + 1
 *
 * A step is sent only when the loss of the one before is known, so that pausing, stopping, checkpoints and divergence find the state of a whole
 * number of steps.
 */
import { batchSize, packBatch, pick } from "../../text/batches.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { capacityFor } from "../../train/capacities.ts";
import { learningRate } from "../../train/schedule.ts";
import type { PreparedStep, StepResult, Trainer } from "../../train/trainer.ts";
import type { PlannedStep, RunPlan } from "../plan/runPlan.ts";
import type { Spec } from "../spec/spec.ts";

export interface StepRequest {
  readonly spec: Spec;
  readonly plan: Pick<RunPlan, "capacities">;
  readonly trainer: Pick<Trainer, "prepare" | "take">;
  /** All training rows; a step names its own by index. */
  readonly examples: readonly TokenizedExample[];
  /** Those that are still to be taken, in their order. */
  readonly steps: Iterator<PlannedStep>;
  /** Steps of the schedule. */
  readonly total: number;
}

export interface TakenStep {
  readonly result: StepResult;
  readonly learning_rate: number;
  /** Padding not counted. */
  readonly tokens: number;
}

interface LaidOut {
  readonly prepared: PreparedStep;
  readonly tokens: number;
}

export class StepTaker {
  readonly #request: StepRequest;
  #next: PlannedStep | null;
  /** `next`, laid out; or what went wrong with that, which belongs to the step itself and not to the one before. */
  #ahead: { readonly laidOut: LaidOut } | { readonly error: unknown } | null = null;

  constructor(request: StepRequest) {
    this.#request = request;
    this.#next = this.#draw();
  }

  /** The step that would be taken; null after the last. */
  get next(): PlannedStep | null {
    return this.#next;
  }

  /**
   * Takes `next`.
   * @throws DivergedError when the loss or the gradient is not a number
   */
  async take(): Promise<TakenStep> {
    const { spec, trainer, total } = this.#request;
    const planned = this.#next;
    if (planned === null) throw new Error("all steps were taken");
    const ahead = this.#ahead ?? { laidOut: this.#layOut(planned) };
    if ("error" in ahead) throw ahead.error;
    const { prepared, tokens } = ahead.laidOut;
    const rate = learningRate(spec.train, planned.step, total, planned.epoch);
    const taken = trainer.take(prepared, rate);
    this.#next = this.#draw();
    this.#ahead = this.#next && this.#tryToLayOut(this.#next);
    return { result: await taken, learning_rate: rate, tokens };
  }

  #draw(): PlannedStep | null {
    const drawn = this.#request.steps.next();
    return drawn.done === true ? null : drawn.value;
  }

  #tryToLayOut(planned: PlannedStep): { readonly laidOut: LaidOut } | { readonly error: unknown } {
    try {
      return { laidOut: this.#layOut(planned) };
    } catch (error) {
      return { error };
    }
  }

  #layOut({ microBatches }: PlannedStep): LaidOut {
    const { spec, plan, trainer, examples } = this.#request;
    const { packing } = spec.data;
    const packed = microBatches.map((indices) => {
      const picked = pick(examples, indices);
      return packBatch(picked, { packing, capacity: capacityFor(plan.capacities, batchSize(picked, packing)) });
    });
    return { prepared: trainer.prepare(packed), tokens: packed.reduce((sum, { realTokens }) => sum + realTokens, 0) };
  }
}
