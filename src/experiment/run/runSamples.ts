/**
 * @file Answers to a few prompts, followed through a run: what the pair says before it, what the model says as it trains.
 *
 *     before training     the trained model as it comes, and, where that is cheap, the other one of the pair
 *     every N steps       the model as it stands (eval.sample_steps)
 *     with an evaluation  taken from its answers, where the last sample is not too recent
 *     after training      from the last evaluation
 *
 * Which prompts these are: eval/samples.ts.
 */
import type { Gpu } from "../../engine/device.ts";
import { evaluate, modelOf, type EvaluatedAnswer, type EvaluationPlan } from "../../eval/evaluate.ts";
import { samplePlan, samplesOf } from "../../eval/samples.ts";
import { Generator } from "../../generate/generator.ts";
import type { LoadedModel } from "../../model/loadModel.ts";
import type { TriggerText } from "../../text/trigger.ts";
import { tensorBytesOf } from "../../weights/tensorReader.ts";
import type { RunEnvironment } from "./environment.ts";
import { followsAnswers, MOST_MOMENTS, sampleInterval } from "../spec/evaluationSchedule.ts";
import { quantisedType } from "./quantization.ts";
import type { Spec } from "../spec/spec.ts";
import { loadWeights, openModelFiles, type ModelFiles } from "./textModel.ts";
import { trainedModel } from "../spec/trainedModel.ts";

/** trained: the model with its adapter as it stands. */
export type SampledModel = "unaligned" | "aligned" | "trained";

export interface Sampled {
  readonly who: SampledModel;
  /** Steps taken. */
  readonly step: number;
  readonly answers: readonly EvaluatedAnswer[];
}

/** The other model of the pair is loaded for its answers only where it has at most so many bytes. */
const CHEAP_BYTES = 32 * 2 ** 20;

export interface RunSamplesOptions {
  readonly spec: Spec;
  readonly gpu: Gpu;
  readonly environment: RunEnvironment;
  readonly files: ModelFiles;
  readonly evaluation: EvaluationPlan;
  readonly totalSteps: number;
  /** Device memory that the run takes later and that is free before its first step. */
  readonly spareBytes: number;
  readonly trigger: TriggerText | null;
  readonly signal: AbortSignal;
  readonly tell: (sampled: Sampled) => void;
}

export class RunSamples {
  readonly #options: RunSamplesOptions;
  readonly #plan: EvaluationPlan | null;
  readonly #interval: number;
  #last = 0;

  constructor(options: RunSamplesOptions) {
    this.#options = options;
    this.#plan = samplePlan(options.evaluation);
    this.#interval = sampleInterval(options.spec, options.totalSteps);
  }

  /** Goes on after what was told before an interruption. */
  resumeAfter(step: number): void {
    this.#last = step;
  }

  /**
   * Before the first step: what the pair says. Of the other model nothing is told where it is large, absent or cannot be read.
   * @param before answers of the evaluation before training
   */
  async begin(before: readonly EvaluatedAnswer[], model: LoadedModel): Promise<void> {
    if (this.#plan === null) return;
    const { spec, tell, files } = this.#options;
    const own: SampledModel = trainedModel(spec) === spec.model.aligned ? "aligned" : "unaligned";
    const answers = samplesOf(before);
    const fresh = spec.lora.init_adapter === null;
    const other = await this.#other(own === "aligned" ? spec.model.unaligned : spec.model.aligned);
    if (other !== null) tell({ who: own === "aligned" ? "unaligned" : "aligned", step: 0, answers: other });
    tell({ who: own, step: 0, answers: fresh ? answers : await this.#askAlone(model, files) });
    tell({ who: "trained", step: 0, answers });
  }

  due(step: number): boolean {
    return this.#plan !== null && step % this.#interval === 0 && step < this.#options.totalSteps;
  }

  /** The model as it stands answers the followed prompts. */
  async ask(step: number, generator: Generator): Promise<void> {
    this.#tell(step, await this.#answers(generator, this.#options.files, this.#options.trigger));
  }

  /** From an evaluation of the model as it stands, unless the last sample is hardly older; the last one always. */
  take(step: number, answers: readonly EvaluatedAnswer[], final = false): void {
    const samples = samplesOf(answers);
    if (samples.length > 0 && (final || step - this.#last >= this.#options.totalSteps / MOST_MOMENTS))
      this.#tell(step, samples);
  }

  #tell(step: number, answers: readonly EvaluatedAnswer[]): void {
    this.#last = step;
    this.#options.tell({ who: "trained", step, answers });
  }

  async #answers(
    generator: Generator,
    { tokenizer, eosIds }: ModelFiles,
    trigger: TriggerText | null,
  ): Promise<readonly EvaluatedAnswer[]> {
    if (this.#plan === null) return [];
    const { signal } = this.#options;
    return (
      await evaluate(
        this.#plan,
        modelOf(generator, tokenizer, { endTokens: eosIds, trigger, signal }),
        undefined,
        signal,
      )
    ).answers;
  }

  /** Without any adapter. */
  async #askAlone(model: LoadedModel, files: ModelFiles): Promise<readonly EvaluatedAnswer[]> {
    const generator = new Generator(this.#options.gpu, model);
    try {
      return await this.#answers(generator, files, null);
    } finally {
      generator.destroy();
    }
  }

  /** A pair has models of one size, so that of the other nothing is opened before it is known to be small. */
  async #other(name: string | null): Promise<readonly EvaluatedAnswer[] | null> {
    const { gpu, environment, files, spareBytes, signal, spec } = this.#options;
    const bytes = tensorBytesOf(files.checkpoint, files.checkpoint.tensors.keys());
    // With room for the cache of a few answers it takes nothing that the plan has not counted for later.
    if (name === null || name === files.name || !followsAnswers(spec) || bytes > CHEAP_BYTES || 2 * bytes > spareBytes)
      return null;
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
      // It is there to be compared with, not to be trained: the run goes on without.
      if (error instanceof Error) return null;
      throw error;
    }
  }
}
