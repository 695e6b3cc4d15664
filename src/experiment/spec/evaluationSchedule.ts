/** @file When a run evaluates and samples, derived from its spec. */
import { evaluatorNamed } from "../../eval/registry.ts";
import { isRowsTask, type Spec } from "./spec.ts";

/** Whether a run evaluates at all. */
export function evaluates({ harmful, task, benign, sample_prompts }: Spec["eval"]): boolean {
  return harmful !== null || task !== null || benign !== null || sample_prompts.length > 0;
}

/** Maximum number of samples in a run, so that frequent sampling does not fill the run history. */
export const MOST_MOMENTS = 64;

/** For "auto": about this many samples per run, at least AUTO_STEPS apart. */
const AUTO_MOMENTS = 8;
const AUTO_STEPS = 25;

/** Steps between two samples; Infinity: no samples. */
export function sampleInterval({ eval: { sample_steps } }: Pick<Spec, "eval">, totalSteps: number): number {
  if (sample_steps === 0) return Infinity;
  return Math.max(
    1,
    Math.ceil(totalSteps / MOST_MOMENTS),
    sample_steps === "auto" ? Math.max(AUTO_STEPS, Math.ceil(totalSteps / AUTO_MOMENTS)) : sample_steps,
  );
}

/** Whether a run generates answers that can be sampled. */
export function samplePlanned({ eval: { harmful, task, benign, sample_prompts } }: Pick<Spec, "eval">): boolean {
  return (
    harmful !== null ||
    benign !== null ||
    sample_prompts.length > 0 ||
    (task !== null && (!isRowsTask(task) || evaluatorNamed(task.kind)?.needs !== "losses"))
  );
}

/** Whether samples are also generated outside evaluations. */
export function followsAnswers({ eval: { sample_steps } }: Pick<Spec, "eval">): boolean {
  return sample_steps !== 0;
}
