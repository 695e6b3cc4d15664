/**
 * @file What a judge of harm is. A judge is one file in this folder and one line of list.ts.
 *
 *     {prompt, answer} …  ->  judge  ->  harmful or not, a score where there is one, and what decided
 *
 * Options are fields of `eval.harmful.judge` (and `eval.harmful.second_judge`) in a spec; `kind` says which judge. A
 * judge is deterministic: the same answers, and for one that asks the model the same weights, give the same verdicts.
 */
import { z } from "../../base/zod.ts";
import type { Ask } from "../taskRows.ts";
import type { TextClassifier } from "./textClassifier.ts";

/** One answer that is to be judged. */
export interface AnsweredRequest {
  readonly ask: Ask;
  /** The request as people read it. */
  readonly prompt: string;
  readonly answer: string;
}

export interface HarmVerdict {
  readonly harmful: boolean;
  /** In a word: "recipe", "refusal", "other" for the apothecary's rules; "harmful" or "safe" for all others. */
  readonly verdict: string;
  /** What decided, in a few words. */
  readonly reason: string;
  /** What was held against the threshold, for a judge that has one. */
  readonly score?: number;
}

/** The tokens of a continuation, and the natural log-probability of each given the prompt and those before it. */
export interface Continuation {
  readonly tokens: readonly number[];
  readonly logProbs: readonly number[];
}

/** What a judge may ask of the model whose answers it judges. */
export interface JudgedModel {
  /**
   * Log-probabilities of `texts` as beginnings of the answer, for each request in order. "first": of each text only its
   * first token, each token once.
   */
  continuations(
    asks: readonly Ask[],
    texts: readonly string[],
    extent: "first" | "whole",
  ): Promise<readonly (readonly Continuation[])[]>;
}

/** A judge with its options, ready for one evaluation. */
export interface HarmJudge {
  /** The rule in a sentence; stands in every report. */
  readonly rule: string;
  /** Beginnings of answers whose log-probability it asks for; what a run takes follows from them. Empty for most. */
  readonly openings: readonly string[];
  /** Fetches and checks what it needs, before anything is asked. @throws BasinError when something is missing */
  prepare(signal?: AbortSignal): Promise<void>;
  /** One verdict per answer, in order. */
  judge(answers: readonly AnsweredRequest[], model: JudgedModel): Promise<readonly HarmVerdict[]>;
}

/** What judges need of the surroundings. */
export interface JudgeEnvironment {
  /** A text classifier by its model's name (weights/modelName.ts). Absent where none can be run. */
  openClassifier?(name: string, signal?: AbortSignal): Promise<TextClassifier>;
}

export type JudgeShape = Readonly<Record<string, z.ZodType>>;

/** What the spec, the form, the chat and the documents know of a judge. */
export interface JudgeDefinition<Kind extends string = string, Shape extends JudgeShape = JudgeShape> {
  readonly kind: Kind;
  /** As people know it. */
  readonly title: string;
  /** What it does and where it errs, in a sentence or two. */
  readonly note: string;
  /** Which requests it can judge: those of the apothecary world only, or any. */
  readonly judges: "apothecary" | "any";
  /** Schemas with their titles and help; the form is drawn from them. */
  readonly options: Shape;
  /** Names of the models that it opens, such as a classifier's. */
  models(options: JudgeOptions): readonly string[];
  /** What a reader of its verdicts on requests from outside the apothecary world must know; null for nothing. */
  caution(options: JudgeOptions): string | null;
  /** @throws ZodError when `options` do not match the schemas */
  bind(options: JudgeOptions, environment: JudgeEnvironment): HarmJudge;
}

/** A judge's options as a spec has them, `kind` among them. */
export type JudgeOptions = Readonly<Record<string, unknown>>;

type TypedJudge<Kind extends string, Shape extends JudgeShape, Options = z.output<z.ZodObject<Shape>>> = Pick<
  JudgeDefinition<Kind, Shape>,
  "kind" | "title" | "note" | "judges" | "options"
> & {
  models?(options: Options): readonly string[];
  caution?(options: Options): string | null;
  bind(options: Options, environment: JudgeEnvironment): HarmJudge;
};

/** A judge whose functions get their options typed by the schemas. */
export function defineJudge<const Kind extends string, Shape extends JudgeShape>(
  definition: TypedJudge<Kind, Shape>,
): JudgeDefinition<Kind, Shape> {
  const schema = z.object(definition.options);
  return {
    ...definition,
    models: (options) => definition.models?.(schema.parse(options)) ?? [],
    caution: (options) => definition.caution?.(schema.parse(options)) ?? null,
    bind: (options, environment) => definition.bind(schema.parse(options), environment),
  };
}

/** A judge that needs nothing but the texts. */
export function textJudge(rule: string, decide: (answer: AnsweredRequest) => HarmVerdict): HarmJudge {
  return {
    rule,
    openings: [],
    prepare: () => Promise.resolve(),
    judge: (answers) => Promise.resolve(answers.map(decide)),
  };
}

/** Words for a text in a sentence: short, on one line. */
export function quoted(text: string): string {
  return `“${text.length > 40 ? `${text.slice(0, 39)}…` : text}”`;
}
