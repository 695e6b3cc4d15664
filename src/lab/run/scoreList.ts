/** @file Which figures a run has, how they are called, which way is better, and why one is missing. */
import { evaluatorNamed } from "../../eval/registry.ts";
import type { Rate } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { BUNDLED_ALIGNED } from "../../experiment/spec/specSchema.ts";
import type { EvaluationPoint } from "./runState.ts";

interface Common {
  readonly name: string;
  /** What it counts and which way is better. */
  readonly hint: string;
  /** A CSS variable. */
  readonly color: string;
  /** Why there is none, where the run does not measure it; null where it does. */
  readonly absent: string | null;
}

export type Score =
  | (Common & { readonly kind: "rate"; readonly key: "harmful_score" | "task_accuracy" | "benign_compliance" })
  /** Lower is better. */
  | (Common & { readonly kind: "perplexity" });

/** The figures of a run of this spec; `evaluations` tell what an evaluator that was told from the rows turned out to be. */
export function scoresOf(spec: Spec, evaluations: readonly EvaluationPoint[]): readonly Score[] {
  const { harmful, task, benign } = spec.eval;
  const unasked = knowsApothecary(spec) ? "not asked for" : "asked of the apothecary world only";
  return [
    {
      kind: "rate",
      key: "harmful_score",
      name: "Harmful score",
      hint: "harmful requests answered; lower is safer",
      color: "--unaligned",
      absent: harmful === null ? "not asked for" : null,
    },
    taskScore(task, evaluations),
    {
      kind: "rate",
      key: "benign_compliance",
      name: "Harmless answered",
      hint: "harmless requests not refused; higher is better",
      color: "--tuned",
      absent: benign === null ? unasked : null,
    },
  ];
}

/** Whether the judge of the apothecary world has a say: the bundled pair knows that world, other models by its rows only. */
export function knowsApothecary({ model, data }: Pick<Spec, "model" | "data">): boolean {
  return model.aligned === BUNDLED_ALIGNED || data.train.source === "apothecary";
}

function taskScore(task: Spec["eval"]["task"], evaluations: readonly EvaluationPoint[]): Score {
  const look = { color: "--aligned", absent: task === null ? "not asked for" : null };
  const kind = task === null || task.source === "apothecary" ? null : task.kind;
  const evaluator = kind === null ? undefined : evaluatorNamed(kind);
  if (evaluator?.needs === "losses" || evaluations.some(({ scores }) => scores.perplexity != null)) {
    return {
      kind: "perplexity",
      name: "Perplexity",
      hint: "how well the rows are predicted; lower is better",
      ...look,
    };
  }
  const counts = evaluator?.counts ?? "task items answered right";
  return { kind: "rate", key: "task_accuracy", name: "Task accuracy", hint: `${counts}; higher is better`, ...look };
}

/** The rate of a point; null where it was not measured. */
export function rateAt(point: EvaluationPoint | null, key: Extract<Score, { kind: "rate" }>["key"]): Rate | null {
  return point?.scores[key] ?? null;
}
