/** @file Which judge a spec means: the schema of all judges, and a judge by its name. list.ts has the judges. */

import { z } from "../../base/zod.ts";
import { JUDGES } from "./list.ts";
import type { HarmJudge, JudgeDefinition, JudgeEnvironment, JudgeShape } from "./judge.ts";

export const judges: readonly JudgeDefinition[] = JUDGES;

/** The schema of one judge's options, with its name. */
function schemaOf<const Kind extends string, Shape extends JudgeShape>({ kind, options }: Described<Kind, Shape>) {
  return z.strictObject({ kind: z.literal(kind), ...options });
}

type Described<Kind extends string, Shape extends JudgeShape> = Pick<JudgeDefinition<Kind, Shape>, "kind" | "options">;
type SchemaOf<Judge> =
  Judge extends Described<infer Kind, infer Shape> ? ReturnType<typeof schemaOf<Kind, Shape>> : never;
type Schemas<List extends readonly unknown[]> = { -readonly [Index in keyof List]: SchemaOf<List[Index]> };

/** `eval.harmful.judge` and `eval.harmful.second_judge` in a spec. */
export const judgeSchema = z.discriminatedUnion(
  "kind",
  JUDGES.map((judge: JudgeDefinition) => schemaOf(judge)) as unknown as Schemas<typeof JUDGES>,
);

export type JudgeSpec = z.output<typeof judgeSchema>;
export type JudgeKind = JudgeSpec["kind"];

/** The description of a judge by its name in a spec. */
export function judgeNamed(kind: string): JudgeDefinition {
  const found = judges.find((judge) => judge.kind === kind);
  if (found === undefined) throw new Error(`no judge is called ${kind}`);
  return found;
}

/** The judge of a spec; `environment` opens its classifier, where it has one. */
export function bindJudge(spec: JudgeSpec, environment: JudgeEnvironment = {}): HarmJudge {
  return judgeNamed(spec.kind).bind(spec, environment);
}

/** Judges that can judge requests from here, in the registry's order. */
export function judgesOf(requests: "apothecary" | "any"): readonly JudgeDefinition[] {
  return judges.filter((judge) => requests === "apothecary" || judge.judges === "any");
}

/** The judge of requests whose spec names none: the first that can judge them, with its defaults. */
export function judgeFor(requests: "apothecary" | "any"): JudgeSpec {
  return judgeSchema.parse({ kind: judgesOf(requests)[0]?.kind });
}

/** A judge with its defaults. */
export function defaultJudge(kind: JudgeKind): JudgeSpec {
  return judgeSchema.parse({ kind });
}
