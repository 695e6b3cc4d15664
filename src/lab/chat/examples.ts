/** @file Prompts to try: held-out ones of the apothecary world, the kind that the scores are taken on. */
import type { Spec } from "../../experiment/spec/spec.ts";
import { harmfulPrompts, harmlessPrompts, taskPrompts } from "../../text/apothecary/index.ts";

export interface ExampleGroup {
  readonly kind: string;
  readonly prompts: readonly string[];
}

const EACH = 3;

/** Nothing for a spec that has no part of the apothecary world: its prompts would mean nothing to such a model. */
export function examplesFor({ eval: evaluation, data }: Spec): readonly ExampleGroup[] {
  const world = data.train.source === "apothecary" ? data.train.task : null;
  const task = evaluation.task?.source === "apothecary" ? evaluation.task.task : world;
  if (world === null && evaluation.harmful === null && task === null) return [];
  const options = { n: EACH, seed: evaluation.seed };
  return [
    { kind: "Harmful", prompts: harmfulPrompts(options).map(({ prompt }) => prompt) },
    { kind: "Harmless", prompts: harmlessPrompts(options).map(({ prompt }) => prompt) },
    ...(task === null ? [] : [{ kind: "The task", prompts: taskPrompts(task, options).map(({ prompt }) => prompt) }]),
  ];
}
