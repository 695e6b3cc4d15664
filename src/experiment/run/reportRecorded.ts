/** @file The steps, evaluations and observations that a snapshot holds, reported again when the run is resumed. */
import type { ModuleFigures } from "./moduleFigures.ts";
import type { RunContext } from "./runContext.ts";

/**
 * Reports everything in the order in which it was first reported, then "resumed".
 * @returns steps taken; 0 for a run that begins
 */
export function reportRecorded(
  run: RunContext,
  totalSteps: number,
  { quantity, paths }: Pick<ModuleFigures, "quantity" | "paths">,
): number {
  if (!run.resume) return 0;
  const { steps, evaluations, modules = [], samples = [] } = run.resume.record;
  const { onAnswers } = run.options.outputs;
  const during = evaluations.filter(({ when }) => when === "during");
  const at = <T extends { readonly step: number }>(items: readonly T[], step: number): readonly T[] =>
    items.filter((item) => item.step === step);
  for (const metrics of steps) {
    run.emit({ type: "step", metrics, totalSteps });
    for (const column of at(modules, metrics.step)) run.emit({ type: "modules", quantity, paths, column });
    for (const { step, scores, answers } of at(during, metrics.step)) {
      run.emit({ type: "evaluation", when: "during", step, scores });
      onAnswers?.("during", step, answers);
    }
    for (const sampled of at(samples, metrics.step)) run.emit({ type: "samples", sampled });
  }
  run.emit({ type: "resumed", step: steps.length });
  return steps.length;
}
