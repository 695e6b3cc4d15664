/**
 * @file What a task evaluator is. An evaluator is one file in evaluators/ and one line of evaluators/list.ts.
 *
 *     needs "answers"   the model answers each row (greedy), `judge` says right or wrong       -> a percentage
 *     needs "losses"    the model reads each row, nothing is generated                         -> a perplexity
 *
 * Options are fields of `eval.task` in a spec. All evaluators' options stand side by side there, so their names must
 * differ, and each is optional: what is left out follows from the rows.
 */
import { z } from "../base/zod.ts";

export type OptionShape = Readonly<Record<string, z.ZodOptional>>;

/** What is known of the rows beyond their answers. */
export interface TaskContext {
  /** Right answers, in the order of the rows. */
  readonly expected: readonly string[];
  /** Texts of the class numbers, where the answers are classes. */
  readonly labelNames: readonly string[] | null;
}

export interface Judgement {
  readonly right: boolean;
  /** What was taken for the answer (a label, a number); null when there was none. */
  readonly read: string | null;
}

/** An evaluator for particular rows. */
export interface BoundJudge {
  /** The rule in a sentence; stands in every report. */
  readonly rule: string;
  /** Most tokens of an answer; null for the spec's `eval.max_new_tokens`. */
  readonly maxNewTokens: number | null;
  judge(answer: string, expected: string): Judgement;
}

interface Common<Kind extends string, Shape extends OptionShape> {
  readonly kind: Kind;
  readonly title: string;
  /** Label of the choice "what counts as correct". */
  readonly choice: string;
  /** What the figure counts, for its caption. */
  readonly counts: string;
  /** Schemas with their titles and help; the form is drawn from them. */
  readonly options: Shape;
}

export interface AnswerEvaluator<Kind extends string = string, Shape extends OptionShape = OptionShape>
  extends Common<Kind, Shape> {
  readonly needs: "answers";
  /** Whether rows look as if they were made for this evaluator; only the first that says so is taken. */
  fits(rows: TaskContext): boolean;
  /**
   * @param options the spec's `eval.task`; fields of other evaluators are ignored.
   * @throws BasinError when the rows do not suit
   */
  bind(options: Readonly<Record<string, unknown>>, rows: TaskContext): BoundJudge;
}

export interface LossEvaluator<Kind extends string = string, Shape extends OptionShape = OptionShape>
  extends Common<Kind, Shape> {
  readonly needs: "losses";
  /** The rule in a sentence; stands in every report. */
  readonly rule: string;
}

export type Evaluator = AnswerEvaluator | LossEvaluator;

/** An evaluator of answers, its options typed by their schemas. */
export function answerEvaluator<const Kind extends string, Shape extends OptionShape>(
  definition: Omit<AnswerEvaluator<Kind, Shape>, "needs" | "bind"> & {
    bind(options: z.output<z.ZodObject<Shape>>, rows: TaskContext): BoundJudge;
  },
): AnswerEvaluator<Kind, Shape> {
  const schema = z.object(definition.options);
  return { ...definition, needs: "answers", bind: (options, rows) => definition.bind(schema.parse(options), rows) };
}
