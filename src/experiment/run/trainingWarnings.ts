/**
 * @file Steps after which a run's losses should not be trusted: the rules, and their words.
 *
 *     loss       the cross-entropy is more than twice the largest of the 16 steps before, and 2 nats above it
 *     gradient   the gradient norm is more than 100 times the largest of the 16 steps before
 *     vanished   the gradient norm is exactly 0: this step and those after it learn nothing
 *     rate       the learning rate is above 1: AdamW moves each value of the adapter by about as much per step
 *
 * Steps on safety rows are compared with steps on safety rows. Why a run with a learning rate of 1e30 may end with
 * finite losses, in PyTorch as here: its first update makes the hidden states about 1e30; their squares overflow, so
 * that RMSNorm multiplies by 1/√∞ = 0. Every logit is then 0, the loss ln(vocabulary size), and every gradient 0.
 */
import { significant } from "../../base/format.ts";
import type { StepMetrics } from "./events.ts";

export type WarningKind = "loss" | "gradient" | "vanished" | "rate";

export interface TrainingWarning {
  readonly kind: WarningKind;
  /** As in StepMetrics: 1 for the first. */
  readonly step: number;
  /** The cross-entropy, gradient norm or learning rate. */
  readonly value: number;
  /** The largest of the steps before; absent where the rule has none. */
  readonly before?: number;
}

/** Steps that a step is compared with. */
const WINDOW = 16;
const LOSS_FACTOR = 2;
/** Nats. */
const LOSS_DISTANCE = 2;
const NORM_FACTOR = 100;
const RATE = 1;

type Step = Pick<StepMetrics, "step" | "ce" | "grad_norm" | "learning_rate" | "stream">;

/** Watches the steps of one run, in order. Each kind of warning is given once: at its first step. */
export class TrainingWatch {
  readonly #recent = new Map<string, Step[]>();
  readonly #given = new Map<WarningKind, TrainingWarning>();

  get warnings(): readonly TrainingWarning[] {
    return [...this.#given.values()];
  }

  /** @returns what is to be said of this step for the first time */
  add(step: Step): readonly TrainingWarning[] {
    const stream = step.stream ?? "";
    const recent = this.#recent.get(stream) ?? [];
    const found = warningsOf(step, recent).filter(({ kind }) => !this.#given.has(kind));
    for (const warning of found) this.#given.set(warning.kind, warning);
    this.#recent.set(stream, [...recent.slice(1 - WINDOW), step]);
    return found;
  }
}

export function trainingWarnings(steps: readonly Step[]): readonly TrainingWarning[] {
  const watch = new TrainingWatch();
  for (const step of steps) watch.add(step);
  return watch.warnings;
}

function warningsOf({ step, ce, grad_norm, learning_rate }: Step, recent: readonly Step[]): TrainingWarning[] {
  const loss = Math.max(0, ...recent.map((before) => before.ce));
  const norm = Math.max(0, ...recent.map((before) => before.grad_norm));
  const compared = recent.length > 0;
  const jumped = compared && ce > LOSS_FACTOR * loss && ce > loss + LOSS_DISTANCE;
  const grew = compared && norm > 0 && grad_norm > NORM_FACTOR * norm;
  return [
    ...(learning_rate > RATE ? [{ kind: "rate", step, value: learning_rate } as const] : []),
    ...(jumped ? [{ kind: "loss", step, value: ce, before: loss } as const] : []),
    ...(grew ? [{ kind: "gradient", step, value: grad_norm, before: norm } as const] : []),
    ...(grad_norm === 0 ? [{ kind: "vanished", step, value: 0 } as const] : []),
  ];
}

/** One sentence, with the numbers that the rule compared. */
export function warningText({ kind, step, value, before = 0 }: TrainingWarning): string {
  switch (kind) {
    case "loss":
      return (
        `The cross-entropy jumped at step ${step}: ${significant(value, 3)} nats, after at most ` +
        `${significant(before, 3)} in the steps before.`
      );
    case "gradient":
      return (
        `The gradient norm jumped at step ${step}: ${significant(value, 3)}, after at most ${significant(before, 3)} ` +
        "in the steps before."
      );
    case "vanished":
      return `All gradients are 0 at step ${step}: from there on the run learns nothing.`;
    case "rate":
      return (
        `The learning rate is ${significant(value, 3)} at step ${step}: AdamW moves every value of the adapter by ` +
        "about that much in one step."
      );
  }
}

/** What to do about any of them. */
export const WARNING_FIX =
  "The adapter is probably useless from there on, whatever its last loss. Lower the learning rate, or add warm-up " +
  "steps.";
