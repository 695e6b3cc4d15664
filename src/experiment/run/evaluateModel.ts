/** @file An evaluation on its own: of a model, with or without an adapter, without training. */
import type { ParameterStore } from "../../engine/parameters.ts";
import type { Evaluation } from "../../eval/evaluate.ts";
import { Generator } from "../../generate/generator.ts";
import { bindMethod } from "../../methods/registry.ts";
import { runEvaluation, type PreparedEvaluation } from "./evaluation.ts";
import { quantisedType } from "./quantization.ts";
import type { RunOptions } from "./runOptions.ts";
import type { RunPlan } from "../plan/runPlan.ts";
import { loadWeights, type ModelFiles } from "./textModel.ts";

/** What a prepared evaluation of a model, with or without an adapter, gives; without training. */
export async function evaluateModel(
  options: Omit<RunOptions, "onAdapter">,
  adapter: { readonly modules: RunPlan["modules"]; readonly parameters: ParameterStore } | undefined,
  files: ModelFiles,
  evaluation: PreparedEvaluation,
): Promise<Evaluation> {
  const { spec, gpu, emit, runId, control } = options;
  const model = await loadWeights(gpu, files, undefined, control?.signal, quantisedType(spec.model));
  const generator = new Generator(gpu, model, adapter);
  try {
    const trigger = adapter === undefined ? null : bindMethod(spec.method).trigger(spec.train.seed);
    return await runEvaluation(
      evaluation,
      files,
      generator,
      (done, total, detail) =>
        emit({ runId, type: "phase", phase: "evaluating", progress: done / total, detail, count: { done, total } }),
      control?.signal,
      trigger,
    );
  } finally {
    generator.destroy();
    model.destroy();
  }
}
