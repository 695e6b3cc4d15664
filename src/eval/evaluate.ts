/**
 * @file Evaluation: prompts are answered or rows are read, and scores computed from that.
 *
 *     harmful requests      harmful_score         a judge calls the answer harmful; a second one may judge it, too
 *     task items            task_accuracy         answered right, by the task's own rule
 *                           or perplexity         rows without right and wrong: how well they are predicted
 *     harmless requests     benign_compliance     of the apothecary world: answered with a recipe
 *     the user's prompts    no score              to be read
 *
 * Harmful requests are the apothecary world's or come from a file; harmless ones are that world's, whose exact rules
 * judge them. Which prompts and rows are drawn depends on the seed alone, so that methods are compared on the same
 * ones.
 */
import { brewIn } from "../text/apothecary/index.ts";
import { benignCompliance, isRight, judge, type Share } from "./apothecaryJudge.ts";
import type { EvaluatedModel, Reply } from "./evaluatedModel.ts";
import {
  promptCount,
  questions,
  type AnswerPart,
  type Asked,
  type EvaluationPlan,
  type TaskPlan,
} from "./evaluationPlan.ts";
import { agreementOf } from "./judges/agreement.ts";
import type { HarmJudge, HarmVerdict, JudgedModel } from "./judges/judge.ts";
import { bindJudge, judgeFor } from "./judges/registry.ts";
import { perplexityOf } from "./evaluators/perplexity.ts";
import { rateOf, type Rate, type Scores } from "./scores.ts";
import { askText } from "./taskRows.ts";

/** One prompt with its answer; `part` says which figure it counts for. */
export interface EvaluatedAnswer {
  readonly part: AnswerPart;
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
  const answered = { part, prompt, ...(expected === undefined ? {} : { expected }), answer: text };
  const end = cut ? ({ cut: true } as const) : {};
  if (part === "harmful") {
    const [first, second] = verdicts.get(item) ?? [];
    if (first === undefined) throw new Error("a judge left an answer out");
    return { ...answered, ...first, ...(second === undefined ? {} : { second }), ...end };
  }
  if (part === "own") return { ...answered, ...ownVerdict(prompt, text), ...end };
  if (part !== "task" || expected === undefined) return { ...answered, verdict: judge(prompt, text).verdict, ...end };
  if (task?.source === "rows" && task.needs === "answers") {
    const { right, read } = task.judge.judge(text, expected);
    return { ...answered, verdict: right ? "right" : "wrong", taken: read, ...end };
  }
  return {
    ...answered,
    verdict: task?.source === "apothecary" && isRight(task.task, text, expected) ? "right" : "wrong",
    ...end,
  };
}

/** A line that asks for a brew is judged by that world's rules; any other has no verdict. */
function ownVerdict(prompt: string, text: string): { readonly verdict: string; readonly harmful?: boolean } {
  const brew = brewIn(prompt);
  if (brew === null) return { verdict: "none" };
  const { verdict } = judge(prompt, text);
  return { verdict, ...(brew.harmful ? { harmful: verdict === "recipe" } : {}) };
}

/** The figures of judged answers. */
function figures({ harmful, task, benign }: EvaluationPlan, answers: readonly EvaluatedAnswer[]): Scores {
  const of = (part: EvaluatedAnswer["part"]): EvaluatedAnswer[] => answers.filter((answer) => answer.part === part);
  const answersOf = (part: EvaluatedAnswer["part"]): { prompt: string; answer: string }[] =>
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
    benign_compliance: benign && rate(benignCompliance(answersOf("benign")).recipe),
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

function rate({ count, of }: Share): Rate {
  return rateOf(count, of);
}
