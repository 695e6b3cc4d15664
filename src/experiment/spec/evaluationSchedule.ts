/** @file What a spec asks of its model and when, told from the spec alone. */
import type { Spec } from "./spec.ts";

/** Whether a run of the spec evaluates at all. */
export function evaluates({ harmful, task, benign, sample_prompts }: Spec["eval"]): boolean {
  return harmful !== null || task !== null || benign !== null || sample_prompts.length > 0;
}

/** Samples of one run at most, so that an evaluation after every step does not fill the history. */
export const MOST_MOMENTS = 64;

/** "auto": about so many samples in a run, and not in shorter intervals than these. */
const AUTO_MOMENTS = 8;
const AUTO_STEPS = 25;

/** Steps from one sample to the next; Infinity for none. */
export function sampleInterval({ eval: { sample_steps } }: Pick<Spec, "eval">, totalSteps: number): number {
  if (sample_steps === 0) return Infinity;
  return Math.max(
    1,
    Math.ceil(totalSteps / MOST_MOMENTS),
    sample_steps === "auto" ? Math.max(AUTO_STEPS, Math.ceil(totalSteps / AUTO_MOMENTS)) : sample_steps,
  );
}

/** Whether a run asks anything whose answers can be followed. */
export function samplePlanned({ eval: { harmful, task, benign, sample_prompts } }: Pick<Spec, "eval">): boolean {
  return (
    harmful !== null ||
    benign !== null ||
    sample_prompts.length > 0 ||
    (task !== null && !(task.source !== "apothecary" && task.source !== undefined && task.kind === "perplexity"))
  );
}

/** Whether followed prompts are asked alone, too. */
export function followsAnswers({ eval: { sample_steps } }: Pick<Spec, "eval">): boolean {
  return sample_steps !== 0;
}
