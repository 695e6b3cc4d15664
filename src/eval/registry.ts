/** @file The task evaluators, one line each, in the order in which they are asked whether rows suit them. */

import { z } from "zod";
import type { Evaluator, TaskContext } from "./evaluator.ts";
import { finalNumber } from "./evaluators/finalNumber.ts";
import { labelMatch } from "./evaluators/labelMatch.ts";
import { perplexity } from "./evaluators/perplexity.ts";

const EVALUATORS = [finalNumber, labelMatch, perplexity] as const;

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

/** The evaluator of a name; for "auto" the first that the rows suit. `rows` is null where nothing can be asked. */
export function chooseEvaluator(kind: z.output<typeof evaluatorKind>, rows: TaskContext | null): Evaluator {
  const named = evaluators.find((one) => one.kind === kind);
  if (named) return named;
  return evaluators.find((one) => one.needs === "answers" && rows !== null && one.fits(rows)) ?? perplexity;
}
