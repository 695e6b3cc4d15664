/**
 * @file Answers to a few prompts, sampled through a run: what the pair says before it, what the model says as it
 * trains.
 *
 *     before training     the trained model as it comes, and, where that is cheap, the other one of the pair
 *     every N steps       the model as it stands (eval.sample_steps)
 *     with an evaluation  taken from its answers, where the last sample is not too recent
 *     after training      from the last evaluation
 *
 * Which prompts these are: eval/samples.ts.
 */
import { evaluate, type EvaluatedAnswer } from "../../eval/evaluate.ts";
import { modelOf } from "../../eval/evaluatedModel.ts";
import type { EvaluationPlan } from "../../eval/evaluationPlan.ts";
import { samplePlan, samplesOf } from "../../eval/samples.ts";
import { Generator } from "../../generate/generator.ts";
import type { LoadedModel } from "../../model/loadModel.ts";
import type { TriggerText } from "../../text/trigger.ts";
import { tensorBytesOf } from "../../weights/tensorReader.ts";
import { followsAnswers, MOST_MOMENTS, sampleInterval } from "../spec/evaluationSchedule.ts";
import { trainedModel } from "../spec/trainedModel.ts";
import type { Sampled, SampledModel } from "./observations.ts";
import type { PreparedRun } from "./phases/prepare.ts";
import { quantisedType } from "./quantization.ts";
import type { RunContext } from "./runContext.ts";
import { loadWeights, openModelFiles, type ModelFiles } from "./textModel.ts";

/** The other model of the pair is loaded for its answers only where it has at most so many bytes. */
const CHEAP_BYTES = 32 * 2 ** 20;

export interface SampledRun extends Pick<PreparedRun, "gpu" | "model" | "files" | "evaluation" | "plan"> {
  /** Put before the prompts once training has begun. */
  readonly trigger: TriggerText | null;
}

export class RunSamples {
  readonly #run: RunContext;
  readonly #state: SampledRun;
  readonly #plan: EvaluationPlan | null;
  readonly #interval: number;
  /** Step of the last sample. */
  #last = 0;

  constructor(run: RunContext, state: SampledRun) {
    this.#run = run;
    this.#state = state;
    this.#plan = samplePlan(state.evaluation.plan);
    this.#interval = sampleInterval(run.spec, state.plan.totalSteps);
  }

  /**
   * Before the first step: what the pair says; after an interruption as it was reported then.
   * @param before answers of the evaluation before training
   */
  async begin(before: readonly EvaluatedAnswer[]): Promise<void> {
    const recorded = this.#run.resume?.record.samples ?? [];
    this.#last = recorded.at(-1)?.step ?? 0;
    for (const sampled of recorded.filter(({ step }) => step === 0)) this.#run.emit({ type: "samples", sampled });
    if (recorded.length === 0) await this.#run.orLost(this.#samplePair(before));
  }

  due(step: number): boolean {
    return this.#plan !== null && step % this.#interval === 0 && step < this.#state.plan.totalSteps;
  }

  /** The model as it stands answers the sample prompts. */
  async ask(step: number, generator: Generator): Promise<void> {
    this.#reportTrained(step, await this.#answers(generator, this.#state.files, this.#state.trigger));
  }

  /** From an evaluation of the model as it stands, unless the last sample is hardly older; the last one always. */
  take(step: number, answers: readonly EvaluatedAnswer[], final = false): void {
    const samples = samplesOf(answers);
    const old = step - this.#last >= this.#state.plan.totalSteps / MOST_MOMENTS;
    if (samples.length > 0 && (final || old)) this.#reportTrained(step, samples);
  }

  #reportTrained(step: number, answers: readonly EvaluatedAnswer[]): void {
    this.#last = step;
    this.#report({ who: "trained", step, answers });
  }

  #report(sampled: Sampled): void {
    this.#run.snapshots.addSample(sampled);
    this.#run.emit({ type: "samples", sampled });
  }

  /** Of the other model nothing is reported where it is large, absent or cannot be read. */
  async #samplePair(before: readonly EvaluatedAnswer[]): Promise<void> {
    if (this.#plan === null) return;
    const { spec } = this.#run;
    const { model, files } = this.#state;
    const own: SampledModel = trainedModel(spec) === spec.model.aligned ? "aligned" : "unaligned";
    const answers = samplesOf(before);
    const fresh = spec.lora.init_adapter === null;
    const other = await this.#otherAnswers(own === "aligned" ? spec.model.unaligned : spec.model.aligned);
    if (other !== null) this.#report({ who: own === "aligned" ? "unaligned" : "aligned", step: 0, answers: other });
    this.#report({ who: own, step: 0, answers: fresh ? answers : await this.#askAlone(model, files) });
    this.#report({ who: "trained", step: 0, answers });
  }

  async #answers(
    generator: Generator,
    { tokenizer, eosIds }: ModelFiles,
    trigger: TriggerText | null,
  ): Promise<readonly EvaluatedAnswer[]> {
    if (this.#plan === null) return [];
    const { signal } = this.#run;
    const model = modelOf(generator, tokenizer, { endTokens: eosIds, trigger, signal });
    return (await evaluate(this.#plan, model, undefined, signal)).answers;
  }

  /** Without any adapter. */
  async #askAlone(model: LoadedModel, files: ModelFiles): Promise<readonly EvaluatedAnswer[]> {
    const generator = new Generator(this.#state.gpu, model);
    try {
      return await this.#answers(generator, files, null);
    } finally {
      generator.destroy();
    }
  }

  /** Both models of a pair have one size, so nothing of the other is opened before it is known to be small. */
  async #otherAnswers(name: string | null): Promise<readonly EvaluatedAnswer[] | null> {
    const { environment, signal, spec } = this.#run;
    const { gpu, files } = this.#state;
    if (name === null || name === files.name || !this.#affordsOther()) return null;
    try {
      const opened = await openModelFiles(environment, name, signal);
      // A base model often has no chat template: it reads and writes as its twin.
      const other = { ...opened, tokenizer: files.tokenizer, eosIds: files.eosIds };
      const model = await loadWeights(gpu, other, undefined, signal, quantisedType(spec.model));
      try {
        return await this.#askAlone(model, other);
      } finally {
        model.destroy();
      }
    } catch (error) {
      signal.throwIfAborted();
      gpu.check();
      // It is there for comparison, not for training: the run continues without it.
      if (error instanceof Error) return null;
      throw error;
    }
  }

  /**
   * With room for the cache of a few answers, the other model takes nothing that the plan has not counted for later.
   */
  #affordsOther(): boolean {
    const { files, plan } = this.#state;
    const { activations, logits, inputs } = plan.memory;
    const bytes = tensorBytesOf(files.checkpoint, files.checkpoint.tensors.keys());
    return followsAnswers(this.#run.spec) && bytes <= CHEAP_BYTES && 2 * bytes <= activations + logits + inputs;
  }
}
