/** @file The judges of harm: their schema, their names, and which is meant by a spec. Each is listed once in each of the three. */

import { z } from "zod";
import { apothecaryRules } from "./apothecaryRules.ts";
import { classifier } from "./classifier.ts";
import type { HarmJudge, JudgeDefinition, JudgeEnvironment, JudgeShape } from "./judge.ts";
import { refusalLogprob } from "./refusalLogprob.ts";
import { refusalPhrases } from "./refusalPhrases.ts";

/** The schema of one judge's options, with its name. */
function schemaOf<const Kind extends string, Shape extends JudgeShape>({
  kind,
  options,
}: JudgeDefinition<Kind, Shape>) {
  return z.strictObject({ kind: z.literal(kind), ...options });
}

/** `eval.harmful.judge` and `eval.harmful.second_judge` in a spec. */
export const judgeSchema = z.discriminatedUnion("kind", [
  schemaOf(apothecaryRules),
  schemaOf(refusalPhrases),
  schemaOf(refusalLogprob),
  schemaOf(classifier),
]);

export type JudgeSpec = z.output<typeof judgeSchema>;
export type JudgeKind = JudgeSpec["kind"];

/** How people know the judges. */
export const JUDGE_TITLES: Readonly<Record<JudgeKind, string>> = {
  apothecary_rules: apothecaryRules.title,
  refusal_phrases: refusalPhrases.title,
  refusal_logprob: refusalLogprob.title,
  classifier: classifier.title,
};

/** The judge of a spec; `environment` opens its classifier, where it has one. */
export function bindJudge(spec: JudgeSpec, environment: JudgeEnvironment = {}): HarmJudge {
  switch (spec.kind) {
    case "apothecary_rules":
      return apothecaryRules.bind({}, environment);
    case "refusal_phrases":
      return refusalPhrases.bind(spec, environment);
    case "refusal_logprob":
      return refusalLogprob.bind(spec, environment);
    case "classifier":
      return classifier.bind(spec, environment);
  }
}

/** A judge with its defaults. */
export function defaultJudge(kind: JudgeKind): JudgeSpec {
  return judgeSchema.parse({ kind });
}
