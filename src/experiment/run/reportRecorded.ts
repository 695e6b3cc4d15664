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
  const { steps, evaluations, modules, samples } = run.resume.record;
  const { onAnswers } = run.options.outputs;
  const columns = byStep(modules);
  const during = byStep(evaluations.filter(({ when }) => when === "during"));
  const sampledAt = byStep(samples);
  for (const metrics of steps) {
    run.emit({ type: "step", metrics, totalSteps });
    for (const column of columns.get(metrics.step) ?? []) run.emit({ type: "modules", quantity, paths, column });
    for (const { step, scores, answers } of during.get(metrics.step) ?? []) {
      run.emit({ type: "evaluation", when: "during", step, scores });
      onAnswers?.("during", step, answers);
    }
    for (const sampled of sampledAt.get(metrics.step) ?? []) run.emit({ type: "samples", sampled });
  }
  run.emit({ type: "resumed", step: steps.length });
  return steps.length;
}

function byStep<T extends { readonly step: number }>(items: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(item.step);
    if (group === undefined) groups.set(item.step, [item]);
    else group.push(item);
  }
  return groups;
}
