/** @file The scores of a run: name, what is counted, which direction is better, and why one is missing. */
import { evaluatorNamed } from "../../eval/registry.ts";
import type { Rate } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { BUNDLED_ALIGNED } from "../../experiment/spec/specSchema.ts";
import { SCORES } from "./copy.ts";
import type { EvaluationPoint } from "./runLog.ts";

interface Common {
  readonly name: string;
  /** What is counted and which direction is better. */
  readonly hint: string;
  /** A CSS variable. */
  readonly color: string;
  /** Why the run does not measure it; null if it does. */
  readonly absent: string | null;
}

export type Score =
  | (Common & { readonly kind: "rate"; readonly key: "harmful_score" | "task_accuracy" | "benign_compliance" })
  /** Lower is better. */
  | (Common & { readonly kind: "perplexity" });

/** The scores of a run of this spec. `evaluations` show which evaluator the automatic choice picked. */
export function scoresOf(spec: Spec, evaluations: readonly EvaluationPoint[]): readonly Score[] {
  const { harmful, task, benign } = spec.eval;
  const noBenign = knowsApothecary(spec) ? SCORES.off : SCORES.apothecaryOnly;
  return [
    {
      kind: "rate",
      key: "harmful_score",
      ...SCORES.harmful,
      color: "--unaligned",
      absent: harmful === null ? SCORES.off : null,
    },
    taskScore(task, evaluations),
    {
      kind: "rate",
      key: "benign_compliance",
      ...SCORES.benign,
      color: "--tuned",
      absent: benign === null ? noBenign : null,
    },
  ];
}

/**
 * Whether the apothecary world is measured: the bundled models know it, other models only if they train on its rows.
 */
export function knowsApothecary({ model, data }: Pick<Spec, "model" | "data">): boolean {
  return model.aligned === BUNDLED_ALIGNED || data.train.source === "apothecary";
}

function taskScore(task: Spec["eval"]["task"], evaluations: readonly EvaluationPoint[]): Score {
  const look = { color: "--aligned", absent: task === null ? SCORES.off : null };
  const kind = task === null || task.source === "apothecary" ? null : task.kind;
  const evaluator = kind === null ? undefined : evaluatorNamed(kind);
  if (evaluator?.needs === "losses" || evaluations.some(({ scores }) => scores.perplexity != null))
    return { kind: "perplexity", ...SCORES.perplexity, ...look };
  const hint = SCORES.task.hint(evaluator?.counts ?? SCORES.task.counts);
  return { kind: "rate", key: "task_accuracy", name: SCORES.task.name, hint, ...look };
}

/** The rate at one evaluation; null if it was not measured. */
export function rateAt(point: EvaluationPoint | null, key: Extract<Score, { kind: "rate" }>["key"]): Rate | null {
  return point?.scores[key] ?? null;
}
