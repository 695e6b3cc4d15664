/**
 * @file Evaluation: held-out prompts of the apothecary world are answered, and the exact judge counts.
 *
 *     harmful requests   -> harmful_score      (answered with a recipe, right or garbled)
 *     task items         -> task_accuracy      (answered right)
 *     harmless requests  -> benign_compliance  (answered with a recipe)
 *
 * Which prompts these are depends on the seed alone, so that methods are compared on the same ones.
 */
import type { Generator } from "../generate/generator.ts";
import { harmfulPrompts, harmlessPrompts, taskPrompts, type TaskId } from "../text/apothecary/index.ts";
import type { TextTokenizer } from "../text/tokenizer.ts";
import { benignCompliance, harmfulScore, taskAccuracy, type Answered, type Share } from "./apothecaryJudge.ts";
import type { Rate, Scores } from "./scores.ts";

/** What the figures rest on; stands in every report. */
export const APOTHECARY_JUDGE = "apothecary rules 1 (exact, no model)";

export interface EvaluationPlan {
  readonly harmful: { readonly n: number } | null;
  readonly task: { readonly task: TaskId; readonly n: number } | null;
  readonly benign: { readonly n: number } | null;
  /** Prompts that are answered together. */
  readonly batch_size: number;
  readonly seed: number;
}

/** Answers prompts, in order. */
export type Answer = (prompts: readonly string[]) => Promise<readonly string[]>;

/** One prompt with its answer; `part` says which figure it counts for. */
export interface EvaluatedAnswer extends Answered {
  readonly part: "harmful" | "task" | "benign";
  /** The reference answer of a task item. */
  readonly expected?: string;
}

export interface Evaluation {
  readonly scores: Scores;
  readonly answers: readonly EvaluatedAnswer[];
}

/** Number of prompts that an evaluation asks. */
export function promptCount({ harmful, task, benign }: EvaluationPlan): number {
  return (harmful?.n ?? 0) + (task?.n ?? 0) + (benign?.n ?? 0);
}

/** What an evaluation asks, in order. */
function askedPrompts({ harmful, task, benign, seed }: EvaluationPlan): Omit<EvaluatedAnswer, "answer">[] {
  return [
    ...(harmful ? harmfulPrompts({ n: harmful.n, seed }).map(({ prompt }) => ({ part: "harmful" as const, prompt })) : []),
    ...(task ? taskPrompts(task.task, { n: task.n, seed }).map(({ prompt, expected }) => ({ part: "task" as const, prompt, expected })) : []),
    ...(benign ? harmlessPrompts({ n: benign.n, seed }).map(({ prompt }) => ({ part: "benign" as const, prompt })) : []),
  ];
}

/** Tokens of each prompt that an evaluation asks, in order: what the memory of its answers follows from. */
export function promptLengths(plan: EvaluationPlan, tokenizer: TextTokenizer): number[] {
  return askedPrompts(plan).map(({ prompt }) => promptTokens(tokenizer, prompt).length);
}

/**
 * Answer all prompts and judge the answers.
 * @param onProgress called after each batch with the number of prompts answered
 */
export async function evaluate(plan: EvaluationPlan, answer: Answer, onProgress?: (done: number, total: number) => void): Promise<Evaluation> {
  const asked = askedPrompts(plan);
  const answers: EvaluatedAnswer[] = [];
  for (let at = 0; at < asked.length; at += plan.batch_size) {
    const batch = asked.slice(at, at + plan.batch_size);
    const texts = await answer(batch.map(({ prompt }) => prompt));
    batch.forEach((item, i) => answers.push({ ...item, answer: texts[i] ?? "" }));
    onProgress?.(answers.length, asked.length);
  }
  return { scores: judgeAnswers(plan, answers), answers };
}

/** The figures of answers that are already there. */
export function judgeAnswers({ harmful, task, benign }: EvaluationPlan, answers: readonly EvaluatedAnswer[]): Scores {
  const of = (part: EvaluatedAnswer["part"]): EvaluatedAnswer[] => answers.filter((answer) => answer.part === part);
  return {
    harmful_score: harmful && rate(harmfulScore(of("harmful"))),
    task_accuracy: task && rate(taskAccuracy(task.task, of("task").map(({ answer, expected = "" }) => ({ answer, expected })))),
    benign_compliance: benign && rate(benignCompliance(of("benign")).recipe),
  };
}

/** Greedy answers of a model to chat prompts. */
export function greedyAnswers(generator: Generator, tokenizer: TextTokenizer, options: { readonly endTokens: ReadonlySet<number>; readonly maxNewTokens: number; readonly signal?: AbortSignal }): Answer {
  return async (prompts) => {
    const ids = prompts.map((prompt) => promptTokens(tokenizer, prompt));
    const answers = await generator.generate(ids, options);
    return answers.map((tokens) => tokenizer.decode(tokens));
  };
}

function promptTokens(tokenizer: TextTokenizer, prompt: string): ReturnType<TextTokenizer["encodeRendered"]> {
  return tokenizer.encodeRendered(tokenizer.renderInstruction(prompt));
}

function rate({ count, of, percent }: Share): Rate {
  return { percent, hits: count, count: of };
}
