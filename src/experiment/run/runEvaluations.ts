/**
 * @file The evaluations of a run: before it, on the way, after it, and, for a method with a trigger, without that. Each is told, its answers
 * handed out, and what a checkpoint needs of it is kept; that of an untrained model is not made twice.
 */
import type { Evaluation } from "../../eval/evaluate.ts";
import type { Generator } from "../../generate/generator.ts";
import type { TriggerText } from "../../text/trigger.ts";
import type { SnapshotWriter } from "../snapshot/snapshotWriter.ts";
import { runEvaluation, untrainedKey, type PreparedEvaluation } from "./evaluation.ts";
import type { RunPhase, Scores } from "./events.ts";
import type { RunOptions, When } from "./runOptions.ts";
import type { ModelFiles } from "./textModel.ts";

/** Where nothing is measured. */
export const NO_EVALUATION: Evaluation = {
  scores: { harmful_score: null, task_accuracy: null, perplexity: null, benign_compliance: null },
  answers: [],
};

export interface RunEvaluationsOptions {
  readonly prepared: PreparedEvaluation;
  readonly files: ModelFiles;
  readonly keeper: SnapshotWriter;
  readonly run: Pick<RunOptions, "spec" | "known" | "onAnswers">;
  readonly signal: AbortSignal;
  readonly phase: (
    phase: RunPhase,
    progress: number,
    detail: string,
    count?: { readonly done: number; readonly total: number },
  ) => void;
  /** Scores that stand. */
  readonly told: (when: When, scores: Scores) => void;
  /** Passes work on; an error becomes one that says so when the device was lost meanwhile. */
  readonly orLost: <T>(work: Promise<T>) => Promise<T>;
}

export class RunEvaluations {
  readonly #options: RunEvaluationsOptions;

  constructor(options: RunEvaluationsOptions) {
    this.#options = options;
  }

  /** The model as it comes, which knows no trigger: as found before an interruption or by an earlier run, where it was. */
  async before(generator: Generator): Promise<Evaluation> {
    const { keeper, run, phase, told } = this.#options;
    const key = untrainedKey(run.spec);
    const kept = keeper.evaluations.find(({ when }) => when === "before");
    const earlier = kept ?? (key === null ? undefined : run.known?.get(key));
    if (earlier === undefined) return this.#take("before", 0, generator, null, key);
    phase(
      "evaluating_before",
      1,
      kept ? "as found before the interruption" : "as an earlier run of the same model found it",
    );
    if (!kept) {
      keeper.beforeReused = true;
      keeper.evaluation({ when: "before", step: 0, ...earlier });
    } else if (key !== null) {
      run.known?.set(key, earlier);
    }
    told("before", earlier.scores);
    run.onAnswers?.("before", 0, earlier.answers);
    return earlier;
  }

  /** @param step steps taken */
  take(
    when: Exclude<When, "before"> | "without_trigger",
    step: number,
    generator: Generator,
    trigger: TriggerText | null,
  ): Promise<Evaluation> {
    return this.#take(when, step, generator, trigger, null);
  }

  async #take(
    when: When | "without_trigger",
    step: number,
    generator: Generator,
    trigger: TriggerText | null,
    key: string | null,
  ): Promise<Evaluation> {
    const { prepared, files, keeper, run, signal, phase, told, orLost } = this.#options;
    if (prepared.size === 0) return NO_EVALUATION;
    const name: RunPhase =
      when === "during" ? "evaluating" : when === "before" ? "evaluating_before" : "evaluating_after";
    const suffix = when === "without_trigger" ? ", without the trigger" : "";
    const { scores, answers } = await orLost(
      runEvaluation(
        prepared,
        files,
        generator,
        (done, total, detail) => phase(name, done / total, `${detail}${suffix}`, { done, total }),
        signal,
        trigger,
      ),
    );
    if (when !== "without_trigger") told(when, scores);
    run.onAnswers?.(when, step, answers);
    if (when === "before" || when === "during") keeper.evaluation({ when, step, scores, answers });
    if (key !== null) run.known?.set(key, { scores, answers });
    return { scores, answers };
  }
}
