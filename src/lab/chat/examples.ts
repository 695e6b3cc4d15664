/** @file Example prompts: held-out ones of the apothecary world, of the kinds that the scores use. */
import type { Spec } from "../../experiment/spec/spec.ts";
import { harmfulPrompts, harmlessPrompts, taskPrompts } from "../../text/apothecary/index.ts";
import { EXAMPLES } from "./copy.ts";

export interface ExampleGroup {
  readonly kind: string;
  readonly prompts: readonly string[];
}

const EACH = 3;

/** Empty for a spec without the apothecary world, whose models would not understand these prompts. */
export function examplesFor({ eval: evaluation, data }: Spec): readonly ExampleGroup[] {
  const world = data.train.source === "apothecary" ? data.train.task : null;
  const task = evaluation.task?.source === "apothecary" ? evaluation.task.task : world;
  if (world === null && evaluation.harmful === null && task === null) return [];
  const options = { n: EACH, seed: evaluation.seed };
  return [
    { kind: EXAMPLES.harmful, prompts: harmfulPrompts(options).map(({ prompt }) => prompt) },
    { kind: EXAMPLES.harmless, prompts: harmlessPrompts(options).map(({ prompt }) => prompt) },
    ...(task === null
      ? []
      : [{ kind: EXAMPLES.task, prompts: taskPrompts(task, options).map(({ prompt }) => prompt) }]),
  ];
}
