/**
 * @file Evaluation: prompts are answered or rows are read, and the figures say how well, each with what it rests on.
 *
 *     harmful requests -> harmful_score (a judge of judges/ calls the answer harmful; a second one may watch)
 *     task items         -> task_accuracy               (answered right, by the task's own rule)
 *                           or perplexity               (rows without right and wrong: how well they are predicted)
 *     harmless requests  -> benign_compliance           (apothecary world: answered with a recipe)
 *     prompts of one's own  -> no figure                (to be read)
 *
 * Harmful requests are the apothecary world's or come from a file; harmless ones are that world's, whose exact rules
 * judge them. Which prompts and rows are drawn depends on the seed alone, so that methods are compared on the same
 * ones.
 */
import type { Generator } from "../generate/generator.ts";
import { generateText } from "../generate/generateText.ts";
import { brewIn, harmfulPrompts, harmlessPrompts, taskPrompts, type TaskId } from "../text/apothecary/index.ts";
import type { TokenizedExample } from "../text/example.ts";
import type { TextTokenizer } from "../text/tokenizer.ts";
import { benignCompliance, isRight, judge, type Share } from "./apothecaryJudge.ts";
import type { BoundJudge } from "./evaluator.ts";
import { agreementOf } from "./judges/agreement.ts";
import type { Continuation, HarmJudge, HarmVerdict, JudgedModel } from "./judges/judge.ts";
import { bindJudge, judgeFor } from "./judges/registry.ts";
import { openingExamples } from "./openings.ts";
import { perplexityOf } from "./evaluators/perplexity.ts";
import { rateOf, type Rate, type Scores } from "./scores.ts";
import type { TriggerText } from "../text/trigger.ts";
import { askText, askTokens, askWithTrigger, type Ask, type TaskRow } from "./taskRows.ts";

export { APOTHECARY_JUDGE } from "./apothecaryJudge.ts";

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
      readonly judge: BoundJudge /** Most tokens of an answer. */;
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

export interface Reply {
  readonly text: string;
  /** Whether the limit ended it. */
  readonly cut: boolean;
}

/** A model as an evaluation uses it. */
export interface EvaluatedModel extends JudgedModel {
  /** Answers, in order. */
  answer(questions: readonly Question[]): Promise<readonly Reply[]>;
  /** Loss of each labelled token (nats), row by row; `onRows` counts the rows that are done. */
  losses(rows: readonly TokenizedExample[], onRows: (done: number) => void): Promise<readonly (readonly number[])[]>;
}

/** One prompt with its answer; `part` says which figure it counts for. */
export interface EvaluatedAnswer {
  readonly part: "harmful" | "task" | "benign" | "own";
  readonly prompt: string;
  /** The reference answer of a task item. */
  readonly expected?: string;
  /** What the model said; missing where nothing is generated. */
  readonly answer?: string;
  /**
   * A request: "recipe", "refusal" or "other" by the apothecary's rules, "harmful" or "safe" by any other judge. A task
   * item: "right" or "wrong". A row that is only read: "read". A prompt of one's own: as a request of the apothecary
   * world, else "none".
   */
  readonly verdict: string;
  /** Of a harmful request: what the judge found, and what the second judge did. */
  readonly harmful?: boolean;
  readonly reason?: string;
  readonly score?: number;
  readonly second?: HarmVerdict;
  /** What the rule took for the answer; null where it found none. */
  readonly taken?: string | null;
  /** The answer was ended by its limit. */
  readonly cut?: true;
  /** Rows that are only read: labelled tokens, and their mean loss in nats. */
  readonly tokens?: number;
  readonly nll?: number;
}

export interface Evaluation {
  readonly scores: Scores;
  readonly answers: readonly EvaluatedAnswer[];
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

interface Asked extends Question {
  readonly part: EvaluatedAnswer["part"];
  readonly expected?: string;
}

/** What an evaluation asks, in order. */
function questions({ harmful, task, benign, own = [], seed, max_new_tokens }: EvaluationPlan): Asked[] {
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

export const NO_EVALUATION: EvaluationSize = { prompts: [], answerTokens: 0, read: [] };

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

/**
 * Answer all prompts and judge the answers; read all rows.
 * @param onProgress called after each batch with the number of prompts and rows that are done
 */
export async function evaluate(
  plan: EvaluationPlan,
  model: EvaluatedModel,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const asked = questions(plan);
  const total = promptCount(plan);
  const judges = plan.harmful && {
    first: plan.harmful.judge ?? bindJudge(judgeFor("apothecary")),
    second: plan.harmful.second ?? null,
  };
  await judges?.first.prepare(signal);
  await judges?.second?.prepare(signal);
  const replied: { readonly item: Asked; readonly reply: Reply }[] = [];
  for (let at = 0; at < asked.length; at += plan.batch_size) {
    const batch = asked.slice(at, at + plan.batch_size);
    const replies = await model.answer(batch);
    batch.forEach((item, i) => replied.push({ item, reply: replies[i] ?? { text: "", cut: false } }));
    onProgress?.(replied.length, total);
  }
  const requests = replied.filter(({ item }) => item.part === "harmful");
  const verdicts =
    judges === null ? NO_VERDICTS : await judgeRequests(requests, judges, model, plan.batch_size, signal);
  const answers = replied.map(({ item, reply }) => judged(plan.task, item, reply, verdicts));
  const { task } = plan;
  if (task?.source !== "rows" || task.needs !== "losses") return { scores: figures(plan, answers), answers };
  const losses = await model.losses(
    task.rows.map(({ example }) => example),
    (done) => onProgress?.(asked.length + done, total),
  );
  const read = task.rows.map(({ prompt, expected }, row): EvaluatedAnswer => {
    const own = losses[row] ?? [];
    return {
      part: "task",
      prompt,
      expected,
      verdict: "read",
      tokens: own.length,
      nll: own.reduce((sum, loss) => sum + loss, 0) / own.length,
    };
  });
  return { scores: { ...figures(plan, answers), perplexity: perplexityOf(losses) }, answers: [...answers, ...read] };
}

/** What the first and the second judge say. */
type Found = readonly [first: HarmVerdict | undefined, second: HarmVerdict | undefined];
type Verdicts = ReadonlyMap<Asked, Found>;
const NO_VERDICTS: Verdicts = new Map();

interface Judges {
  readonly first: HarmJudge;
  readonly second: HarmJudge | null;
}

/** What the judges say to the answers to harmful requests, by the item that was asked. */
async function judgeRequests(
  requests: readonly { readonly item: Asked; readonly reply: Reply }[],
  { first, second }: Judges,
  model: JudgedModel,
  batchSize: number,
  signal?: AbortSignal,
): Promise<Verdicts> {
  const found = new Map<Asked, Found>();
  for (let at = 0; at < requests.length; at += batchSize) {
    signal?.throwIfAborted();
    const batch = requests.slice(at, at + batchSize);
    const answers = batch.map(({ item: { ask }, reply: { text } }) => ({ ask, prompt: askText(ask), answer: text }));
    // One after the other: both may ask the model, which does one thing at a time.
    const one = await first.judge(answers, model);
    const two = (await second?.judge(answers, model)) ?? [];
    batch.forEach(({ item }, i) => found.set(item, [one[i], two[i]]));
  }
  return found;
}

function judged(task: TaskPlan | null, item: Asked, { text, cut }: Reply, verdicts: Verdicts): EvaluatedAnswer {
  const { part, ask, expected } = item;
  const prompt = askText(ask);
  const said = { part, prompt, ...(expected === undefined ? {} : { expected }), answer: text };
  const end = cut ? ({ cut: true } as const) : {};
  if (part === "harmful") {
    const [first, second] = verdicts.get(item) ?? [];
    if (first === undefined) throw new Error("a judge left an answer out");
    return { ...said, ...first, ...(second === undefined ? {} : { second }), ...end };
  }
  if (part === "own") return { ...said, ...ownVerdict(prompt, text), ...end };
  if (part !== "task" || expected === undefined) return { ...said, verdict: judge(prompt, text).verdict, ...end };
  if (task?.source === "rows" && task.needs === "answers") {
    const { right, read } = task.judge.judge(text, expected);
    return { ...said, verdict: right ? "right" : "wrong", taken: read, ...end };
  }
  return {
    ...said,
    verdict: task?.source === "apothecary" && isRight(task.task, text, expected) ? "right" : "wrong",
    ...end,
  };
}

/** A line that asks for a brew is judged by that world's rules; of any other nothing is said. */
function ownVerdict(prompt: string, text: string): { readonly verdict: string; readonly harmful?: boolean } {
  const brew = brewIn(prompt);
  if (brew === null) return { verdict: "none" };
  const { verdict } = judge(prompt, text);
  return { verdict, ...(brew.harmful ? { harmful: verdict === "recipe" } : {}) };
}

/** The figures of judged answers. */
function figures({ harmful, task, benign }: EvaluationPlan, answers: readonly EvaluatedAnswer[]): Scores {
  const of = (part: EvaluatedAnswer["part"]): EvaluatedAnswer[] => answers.filter((answer) => answer.part === part);
  const said = (part: EvaluatedAnswer["part"]): { prompt: string; answer: string }[] =>
    of(part).map(({ prompt, answer = "" }) => ({ prompt, answer }));
  const examined = of("task");
  const asksTask = task !== null && (task.source === "apothecary" || task.needs === "answers");
  const requests = of("harmful");
  const watched = harmful?.second !== undefined && requests.every(({ second }) => second !== undefined);
  return {
    harmful_score: harmful && rateOf(requests.filter((answer) => answer.harmful === true).length, requests.length),
    task_accuracy: asksTask
      ? rateOf(examined.filter(({ verdict }) => verdict === "right").length, examined.length)
      : null,
    perplexity: null,
    benign_compliance: benign && rate(benignCompliance(said("benign")).recipe),
    ...(watched
      ? {
          second_harmful_score: rateOf(
            requests.filter(({ second }) => second?.harmful === true).length,
            requests.length,
          ),
          agreement: agreementOf(
            requests.map(({ harmful: first, second }) => [first === true, second?.harmful === true]),
          ),
        }
      : {}),
  };
}

/** Greedy answers of a model, and its losses. The model, not the judge, sees the trigger. */
export function modelOf(
  generator: Generator,
  tokenizer: TextTokenizer | null,
  options: {
    readonly endTokens: ReadonlySet<number>;
    readonly trigger?: TriggerText | null;
    readonly signal?: AbortSignal;
  },
): EvaluatedModel {
  return {
    answer: async (asked) => {
      if (tokenizer === null) throw new Error("prompts are asked of a model without a tokenizer");
      const ids = asked.map(({ ask }) => askTokens(askWithTrigger(ask, options.trigger ?? null), tokenizer));
      const answers = await generateText(generator, tokenizer, ids, {
        ...options,
        maxNewTokens: asked.map(({ maxNewTokens }) => maxNewTokens),
      });
      return answers.map(({ text, ended }) => ({ text, cut: ended === "length" }));
    },
    continuations: async (asks, texts, extent) => {
      if (tokenizer === null) throw new Error("prompts are put to a model without a tokenizer");
      const openings = asks.map((ask) => openingExamples(ask, texts, extent, tokenizer, options.trigger ?? null));
      const losses = await generator.losses(
        openings.flat().map(({ example }) => example),
        options.signal ? { signal: options.signal } : {},
      );
      let at = 0;
      return openings.map((list) =>
        list.map(({ tokens }): Continuation => ({ tokens, logProbs: (losses[at++] ?? []).map((loss) => -loss) })),
      );
    },
    losses: (rows, onRows) => generator.losses(rows, { onRows, ...(options.signal ? { signal: options.signal } : {}) }),
  };
}

function rate({ count, of }: Share): Rate {
  return rateOf(count, of);
}
