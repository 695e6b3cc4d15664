/** @file What an evaluation asks and reads: the plan, the prompts in their order, and how much that is. */
import { harmfulPrompts, harmlessPrompts, taskPrompts, type TaskId } from "../text/apothecary/index.ts";
import type { TokenizedExample } from "../text/example.ts";
import type { TextTokenizer } from "../text/tokenizer.ts";
import type { TriggerText } from "../text/trigger.ts";
import type { BoundJudge } from "./evaluator.ts";
import type { HarmJudge } from "./judges/judge.ts";
import { openingExamples } from "./openings.ts";
import { askTokens, askWithTrigger, type Ask, type TaskRow } from "./taskRows.ts";

/** A row whose loss is measured, and how people read it. */
export interface ReadRow {
  readonly prompt: string;
  readonly expected: string;
  readonly example: TokenizedExample;
}

export type TaskPlan =
  | { readonly source: "apothecary"; readonly task: TaskId; readonly n: number }
  | {
      readonly source: "rows";
      readonly needs: "answers";
      readonly rows: readonly TaskRow[];
      readonly judge: BoundJudge;
      /** Most tokens of an answer. */
      readonly maxNewTokens: number;
    }
  | { readonly source: "rows"; readonly needs: "losses"; readonly rows: readonly ReadRow[] };

export interface HarmfulPlan {
  /** Requests that are asked. */
  readonly n: number;
  /** `n` requests of one's own; of the apothecary world where there are none. */
  readonly requests?: readonly Ask[];
  /** The exact rules unless given. */
  readonly judge?: HarmJudge;
  /** Judges the same answers, to see how far the two agree. */
  readonly second?: HarmJudge;
}

export interface EvaluationPlan {
  readonly harmful: HarmfulPlan | null;
  readonly task: TaskPlan | null;
  readonly benign: { readonly n: number } | null;
  /** Prompts that are asked to be read; no figure counts them. */
  readonly own?: readonly string[];
  /** Prompts that are answered together. */
  readonly batch_size: number;
  /** Most tokens of an answer to a prompt of the apothecary world. */
  readonly max_new_tokens: number;
  readonly seed: number;
}

export interface Question {
  readonly ask: Ask;
  readonly maxNewTokens: number;
}

/** Number of prompts that an evaluation asks, and of rows that it reads. */
export function promptCount({ harmful, task, benign, own = [] }: EvaluationPlan): number {
  return (
    own.length +
    (harmful?.n ?? 0) +
    (task === null ? 0 : task.source === "apothecary" ? task.n : task.rows.length) +
    (benign?.n ?? 0)
  );
}

/** Which figure a prompt counts for; "own": none. */
export type AnswerPart = "harmful" | "task" | "benign" | "own";

export interface Asked extends Question {
  readonly part: AnswerPart;
  readonly expected?: string;
}

/** What an evaluation asks, in order. */
export function questions({ harmful, task, benign, own = [], seed, max_new_tokens }: EvaluationPlan): Asked[] {
  const asked = (part: Asked["part"], prompt: string): Asked => ({
    part,
    ask: { kind: "instruction", instruction: prompt },
    maxNewTokens: max_new_tokens,
  });
  return [
    ...(harmful?.requests?.map((ask) => ({ part: "harmful" as const, ask, maxNewTokens: max_new_tokens })) ?? []),
    ...(harmful && harmful.requests === undefined
      ? harmfulPrompts({ n: harmful.n, seed }).map(({ prompt }) => asked("harmful", prompt))
      : []),
    ...(task?.source === "apothecary"
      ? taskPrompts(task.task, { n: task.n, seed }).map(({ prompt, expected }) => ({
          ...asked("task", prompt),
          expected,
        }))
      : []),
    ...(task?.source === "rows" && task.needs === "answers"
      ? task.rows.map(({ ask, expected }) => ({
          part: "task" as const,
          ask,
          expected,
          maxNewTokens: task.maxNewTokens,
        }))
      : []),
    ...(benign ? harmlessPrompts({ n: benign.n, seed }).map(({ prompt }) => asked("benign", prompt)) : []),
    ...own.map((prompt) => asked("own", prompt)),
  ];
}

/** What the memory of an evaluation follows from. */
export interface EvaluationSize {
  /** Tokens of each prompt, in the order in which they are asked. */
  readonly prompts: readonly number[];
  /** The same prompts behind the method's trigger, where it has one. */
  readonly triggered?: readonly number[];
  /** Of the prompts whose answers are followed through the run, which are also asked alone. */
  readonly followed?: readonly number[];
  /** Most tokens that any answer may have. */
  readonly answerTokens: number;
  /** Rows whose loss is measured. */
  readonly read: readonly TokenizedExample[];
}

export const EMPTY_EVALUATION: EvaluationSize = { prompts: [], answerTokens: 0, read: [] };

/**
 * @param tokenizer null is enough where nothing is asked
 * @param trigger put before every prompt of the trained model; prompts are also asked without it
 * @param followed what is asked alone as well, in between
 */
export function evaluationSize(
  plan: EvaluationPlan,
  tokenizer: TextTokenizer | null,
  trigger: TriggerText | null = null,
  followed: EvaluationPlan | null = null,
): EvaluationSize {
  const asked = questions(plan);
  const openings = [...(plan.harmful?.judge?.openings ?? []), ...(plan.harmful?.second?.openings ?? [])];
  const begun =
    tokenizer === null || openings.length === 0
      ? []
      : asked
          .filter(({ part }) => part === "harmful")
          .flatMap(({ ask }) =>
            openingExamples(ask, openings, "whole", tokenizer, trigger).map(({ example }) => example),
          );
  const lengths = (put: TriggerText | null): number[] =>
    tokenizer === null ? [] : asked.map(({ ask }) => askTokens(askWithTrigger(ask, put), tokenizer).length);
  return {
    prompts: lengths(null),
    ...(trigger === null ? {} : { triggered: lengths(trigger) }),
    ...(followed === null || tokenizer === null
      ? {}
      : { followed: questions(followed).map(({ ask }) => askTokens(askWithTrigger(ask, trigger), tokenizer).length) }),
    answerTokens: asked.reduce((most, { maxNewTokens }) => Math.max(most, maxNewTokens), 0),
    read: [
      ...(plan.task?.source === "rows" && plan.task.needs === "losses"
        ? plan.task.rows.map(({ example }) => example)
        : []),
      ...begun,
    ],
  };
}
