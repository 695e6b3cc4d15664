/**
 * @file The evaluations of a run: before it, on the way, after it, and, for a method with a trigger, without that. Each
 * is reported, its answers handed out, and recorded for snapshots as far as these need it; that of an untrained model
 * is not made twice.
 */
import type { Evaluation } from "../../eval/evaluate.ts";
import type { Generator } from "../../generate/generator.ts";
import type { TriggerText } from "../../text/trigger.ts";
import { runEvaluation, untrainedKey } from "./evaluation.ts";
import type { RunPhase, Scores } from "./events.ts";
import type { LoadedRun } from "./phases/load.ts";
import type { RunContext } from "./runContext.ts";
import type { When } from "./runOptions.ts";

/** Where nothing is evaluated. */
export const NO_EVALUATION: Evaluation = {
  scores: { harmful_score: null, task_accuracy: null, perplexity: null, benign_compliance: null },
  answers: [],
};

const PHASES: Readonly<Record<When | "without_trigger", RunPhase>> = {
  before: "evaluating_before",
  during: "evaluating",
  after: "evaluating_after",
  without_trigger: "evaluating_after",
};

export class RunEvaluations {
  readonly #run: RunContext;
  readonly #loaded: Pick<LoadedRun, "evaluation" | "files">;

  constructor(run: RunContext, loaded: Pick<LoadedRun, "evaluation" | "files">) {
    this.#run = run;
    this.#loaded = loaded;
  }

  /** The untrained model, without a trigger: as found before an interruption or by an earlier run, where it was. */
  async before(generator: Generator): Promise<Evaluation> {
    const { spec, snapshots, options } = this.#run;
    const reusable = options.reuse?.evaluations;
    const key = untrainedKey(spec);
    const recorded = snapshots.before;
    const earlier = recorded ?? (key === null ? undefined : reusable?.get(key));
    if (earlier === undefined) {
      const found = await this.#take("before", 0, generator, null);
      if (key !== null && found !== NO_EVALUATION) reusable?.set(key, found);
      return found;
    }
    const source = recorded ? "as found before the interruption" : "as an earlier run of the same model found it";
    this.#run.phase("evaluating_before", 1, source);
    if (recorded === null) {
      snapshots.beforeReused = true;
      snapshots.addEvaluation({ when: "before", step: 0, ...earlier });
    } else if (key !== null) {
      reusable?.set(key, earlier);
    }
    this.#reportScores("before", earlier.scores);
    options.outputs.onAnswers?.("before", 0, earlier.answers);
    return earlier;
  }

  /** @param step optimiser steps taken. @returns `NO_EVALUATION` when the run is aborted on the way */
  take(
    when: Exclude<When, "before"> | "without_trigger",
    step: number,
    generator: Generator,
    trigger: TriggerText | null,
  ): Promise<Evaluation> {
    return this.#run.unlessAborted(this.#take(when, step, generator, trigger), NO_EVALUATION);
  }

  async #take(
    when: When | "without_trigger",
    step: number,
    generator: Generator,
    trigger: TriggerText | null,
  ): Promise<Evaluation> {
    const run = this.#run;
    const { evaluation, files } = this.#loaded;
    if (evaluation.size === 0) return NO_EVALUATION;
    const suffix = when === "without_trigger" ? ", without the trigger" : "";
    const onProgress = (done: number, total: number, detail: string): void =>
      run.phase(PHASES[when], done / total, `${detail}${suffix}`, { done, total });
    const { scores, answers } = await run.orLost(
      runEvaluation(evaluation, files, generator, onProgress, run.signal, trigger),
    );
    if (when !== "without_trigger") this.#reportScores(when, scores);
    run.options.outputs.onAnswers?.(when, step, answers);
    if (when === "before" || when === "during") run.snapshots.addEvaluation({ when, step, scores, answers });
    return { scores, answers };
  }

  #reportScores(when: When, scores: Scores): void {
    this.#run.emit({ type: "evaluation", when, step: this.#run.steps, scores });
  }
}
