/** @file Phase 4: the model before training: its scores, and its answers to the sample prompts. */
import type { Evaluation } from "../../../eval/evaluate.ts";
import { Generator } from "../../../generate/generator.ts";
import type { TriggerText } from "../../../text/trigger.ts";
import type { RunContext } from "../runContext.ts";
import { RunEvaluations } from "../runEvaluations.ts";
import { RunSamples } from "../runSamples.ts";
import type { PreparedRun } from "./prepare.ts";

export interface EvaluatedRun extends PreparedRun {
  /** Of the model with the adapter that is trained. */
  readonly generator: Generator;
  /** Put before every prompt once training has begun; the untrained model knows none. */
  readonly trigger: TriggerText | null;
  readonly evaluations: RunEvaluations;
  readonly samples: RunSamples;
  readonly before: Evaluation;
}

export async function evaluateBefore(run: RunContext, prepared: PreparedRun): Promise<EvaluatedRun> {
  const { gpu, model, plan, parameters, bound } = prepared;
  const generator = run.own(new Generator(gpu, model, { modules: plan.modules, parameters }));
  const trigger = bound.rows.trigger(run.spec.train.seed);
  const evaluations = new RunEvaluations(run, prepared);
  const before = await evaluations.before(generator);
  const samples = new RunSamples(run, { ...prepared, trigger });
  await samples.begin(before.answers);
  return { ...prepared, generator, trigger, evaluations, samples, before };
}
