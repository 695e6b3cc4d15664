/** @file Which evaluator a spec means: the options of all evaluators, and an evaluator by its name or by the rows. */

import { z } from "../base/zod.ts";
import { EVALUATORS } from "./evaluators/list.ts";
import type { Evaluator, TaskContext } from "./evaluator.ts";
import { perplexity } from "./evaluators/perplexity.ts";

export const evaluators: readonly Evaluator[] = EVALUATORS;

export type EvaluatorKind = (typeof EVALUATORS)[number]["kind"];

type Merged<List extends readonly { readonly options: object }[]> = List extends readonly [
  infer First extends { readonly options: object },
  ...infer Rest extends readonly { readonly options: object }[],
]
  ? First["options"] & Merged<Rest>
  : unknown;

/** `eval.task.kind` in a spec. */
export const evaluatorKind = z.enum(["auto", ...EVALUATORS.map(({ kind }) => kind)] as ["auto", ...EvaluatorKind[]]);

/** Options of all evaluators, for `eval.task` in a spec. */
export const evaluatorOptions = Object.assign({}, ...EVALUATORS.map(({ options }) => options)) as Merged<
  typeof EVALUATORS
>;

/** The evaluator of a name; undefined for "auto". */
export function evaluatorNamed(kind: string): Evaluator | undefined {
  return evaluators.find((one) => one.kind === kind);
}

/** The evaluator of a name; for "auto" the first that the rows suit. `rows` is null where nothing can be asked. */
export function chooseEvaluator(kind: z.output<typeof evaluatorKind>, rows: TaskContext | null): Evaluator {
  const named = evaluatorNamed(kind);
  if (named) return named;
  return evaluators.find((one) => one.needs === "answers" && rows !== null && one.fits(rows)) ?? perplexity;
}
