/**
 * @file An experiment as one document: from anything to a complete, checked spec.
 *
 *     JSON text --parseSpecJson--> value --resolveSpec--> Spec (every default filled in)
 *
 * An empty document is the demo: AsFT on the bundled models. specSchema.ts has the schema; this file has the defaults
 * that depend on other fields, the checks across fields, and the errors.
 */
import type { z } from "../../base/zod.ts";
import { BasinError } from "../../base/error.ts";
import { evaluators } from "../../eval/registry.ts";
import { judgeFor, judgeNamed, judgesOf } from "../../eval/judges/registry.ts";
import { bindMethod, PLAIN } from "../../methods/registry.ts";
import { inferSources } from "./inferSources.ts";
import { describeIssue, remedyText, type Problem } from "./specProblems.ts";
import { BUNDLED_ALIGNED, BUNDLED_UNALIGNED, specSchema } from "./specSchema.ts";

export { SPEC_VERSION } from "./specSchema.ts";

type Parsed = z.output<typeof specSchema>;
type Required<T, Keys extends keyof T> = Omit<T, Keys> & { [K in Keys]-?: Exclude<T[K], undefined> };
type ParsedTask = NonNullable<Parsed["eval"]["task"]>;
/** Evaluation on real rows. */
export type RowsTask = Exclude<ParsedTask, { source?: "apothecary" | undefined }>;
type ApothecaryTask = Required<Exclude<ParsedTask, RowsTask>, "source" | "task">;
type TaskEval = ApothecaryTask | RowsTask;
type ParsedRequests = NonNullable<Parsed["eval"]["harmful"]>;
/** Harmful requests from a file. */
type FileRequests = Required<Extract<ParsedRequests, { source: "file" }>, "judge">;
type ApothecaryRequests = Required<Exclude<ParsedRequests, { source: "file" }>, "source" | "judge">;
export type HarmfulEval = ApothecaryRequests | FileRequests;

/** The document as users write it: every field is optional. */
export type SpecInput = z.input<typeof specSchema>;
export type ModelSpec = Required<Parsed["model"], "unaligned">;
export type DataSpec = Parsed["data"];
export type LoraSpec = Parsed["lora"];
export type TrainSpec = Parsed["train"];
export type EvalSpec = Omit<Required<Parsed["eval"], "harmful" | "benign" | "task">, "task" | "harmful"> & {
  task: TaskEval | null;
  harmful: HarmfulEval | null;
};
export type { MethodOptions as MethodSpec } from "../../methods/registry.ts";

/** An experiment with every default filled in. */
export type Spec = Omit<Parsed, "model" | "eval"> & { model: ModelSpec; eval: EvalSpec };

/** Alias used by the lab and the run store. */
export type ExperimentSpec = Spec;

/**
 * A complete spec from any value.
 * @param name name of the document in errors
 * @throws BasinError listing every problem with its path
 */
export function resolveSpec(value: unknown, name = "spec"): Spec {
  const checked = checkSpec(value);
  if (checked.ok) return checked.spec;
  throw problemsError(checked.problems, (path) => `${name}: ${pathText(path)}`);
}

/** Like `resolveSpec`, but returns the problems, so that a form can show each one next to its field. */
export function checkSpec(
  value: unknown,
): { readonly ok: true; readonly spec: Spec } | { readonly ok: false; readonly problems: readonly Problem[] } {
  const result = specSchema.safeParse(inferSources(value));
  if (!result.success)
    return { ok: false, problems: result.error.issues.flatMap((issue) => describeIssue(issue, value)) };
  const spec = complete(result.data);
  const problems = contradictions(spec);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, spec };
}

/** The defaults that depend on other fields. */
function complete(parsed: Parsed): Spec {
  const { model, data, eval: evaluation } = parsed;
  const world = data.train.source === "apothecary" ? data.train : null;
  const { harmful, task, benign } = evaluation;
  return {
    ...parsed,
    model: {
      ...model,
      unaligned:
        model.unaligned === undefined
          ? model.aligned === BUNDLED_ALIGNED
            ? BUNDLED_UNALIGNED
            : null
          : model.unaligned,
    },
    eval: {
      ...evaluation,
      harmful: completeRequests(harmful === undefined && world ? { n: 100, second_judge: null } : harmful),
      task: completeTask(task, data),
      benign: benign === undefined ? (world ? { source: "apothecary", n: 50 } : null) : benign,
    },
  };
}

/** By default the first judge that can judge such requests. */
function completeRequests(harmful: Parsed["eval"]["harmful"]): HarmfulEval | null {
  if (harmful == null) return null;
  if (harmful.source === "file") return { ...harmful, judge: harmful.judge ?? judgeFor("any") };
  return { ...harmful, source: "apothecary", judge: harmful.judge ?? judgeFor("apothecary") };
}

/** Default task: the task in the training data, or the validation split. */
function completeTask(task: Parsed["eval"]["task"], { train, selection }: DataSpec): TaskEval | null {
  const world = train.source === "apothecary" ? train.task : null;
  if (task === null) return null;
  if (task === undefined) {
    if (world !== null) return { source: "apothecary", task: world, n: 100 };
    return selection.validation_split > 0 ? { source: "held_out", kind: "auto", n: 100 } : null;
  }
  return isRowsTask(task) ? task : { ...task, source: "apothecary", task: task.task ?? world ?? "topic" };
}

/** Whether a task is evaluated on real rows. */
export function isRowsTask(task: ParsedTask): task is RowsTask {
  return task.source !== undefined && task.source !== "apothecary";
}

/** Problems between fields that are each valid alone. */
function contradictions({ model, data, method, train, eval: { task, harmful } }: Spec): Problem[] {
  const problems: Problem[] = harmful === null ? [] : unsuitableJudges(harmful);
  const { description, before, rows } = bindMethod(method);
  if (before.twin !== "unused" && model.unaligned === null) {
    problems.push({
      path: ["model", "unaligned"],
      what: `The method ${method.name} needs an unaligned model, but none is set`,
      fix:
        "Set model.unaligned to the model before alignment, or choose " +
        `${description.withoutTwin === null ? "" : `${description.withoutTwin} or `}the method "${PLAIN.name}".`,
    });
  }
  const { safety } = rows;
  if (safety !== null && safety.file === null && data.train.source !== "apothecary") {
    problems.push({
      path: ["method", "safety_rows"],
      what:
        `The method ${method.name} needs safety rows (harmful requests with refusals), ` +
        "and the bundled ones only fit the apothecary world",
      fix: "Set method.safety_rows to a file with such rows, or train on the apothecary world.",
    });
  }
  if (train.max_steps === 0) {
    problems.push({
      path: ["train", "max_steps"],
      what: "max_steps is 0",
      fix: "Set the number of steps, or −1 to train for num_train_epochs.",
    });
  }
  if (task?.source === "held_out" && data.selection.validation_split === 0) {
    problems.push({
      path: ["data", "selection", "validation_split"],
      what: "The evaluation uses held-out rows, but none are held out",
      fix: "Set a validation split, such as 0.1, or evaluate on a file (eval.task).",
    });
  }
  if (task !== null && isRowsTask(task)) problems.push(...unusedOptions(task));
  return problems;
}

/** Judges that know only the apothecary world, for requests from elsewhere. */
function unsuitableJudges({ source, ...chosen }: HarmfulEval): Problem[] {
  if (source === "apothecary") return [];
  const others = judgesOf("any").map(({ kind }) => kind);
  return (["judge", "second_judge"] as const).flatMap((field) => {
    const judge = chosen[field] && judgeNamed(chosen[field].kind);
    if (judge === null || judge.judges === "any") return [];
    return [
      {
        path: ["eval", "harmful", field, "kind"],
        what: `The judge ${judge.kind} knows only the apothecary world, and these requests come from a file`,
        fix: `Choose ${others.slice(0, -1).join(", ")} or ${others.at(-1)}.`,
      },
    ];
  });
}

/** Options that belong to another evaluator. */
function unusedOptions(task: RowsTask): Problem[] {
  if (task.kind === "auto") return [];
  return evaluators
    .filter(({ kind }) => kind !== task.kind)
    .flatMap(({ kind, options }) => Object.keys(options).map((option) => ({ kind, option })))
    .filter(({ option }) => Reflect.get(task, option) !== undefined)
    .map(({ kind, option }) => ({
      path: ["eval", "task", option],
      what: `${option} belongs to ${kind}, but eval.task.kind is ${task.kind}`,
      fix: `Remove it, or set eval.task.kind to "${kind}".`,
    }));
}

/** One error that lists all problems. @param locate position of a path in the document */
export function problemsError(
  problems: readonly Problem[],
  locate: (path: readonly (string | number)[]) => string,
): BasinError {
  const [first] = problems;
  if (first !== undefined && problems.length === 1)
    return new BasinError({ what: first.what, where: locate(first.path), fix: remedyText(first) });
  return new BasinError({
    what: `There are ${problems.length} problems: ${problems.map(({ what }, i) => `(${i + 1}) ${what}`).join("; ")}`,
    where: problems.map(({ path }) => locate(path)).join("; "),
    fix: problems.map((problem, i) => `(${i + 1}) ${remedyText(problem)}`).join(" "),
  });
}

export function pathText(path: readonly (string | number)[]): string {
  return path.length === 0
    ? "the whole document"
    : path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
}
