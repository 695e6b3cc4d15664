/** @file An evaluation on its own: of a model, with or without an adapter, without training. */
import type { Gpu } from "../../engine/device.ts";
import type { Evaluation } from "../../eval/evaluate.ts";
import type { AdapterOnDevice } from "../../model/lora.ts";
import { Generator } from "../../generate/generator.ts";
import { bindMethod } from "../../methods/registry.ts";
import type { Spec } from "../spec/spec.ts";
import { runEvaluation, type PreparedEvaluation } from "./evaluation.ts";
import { quantisedType } from "./quantization.ts";
import { loadWeights, type ModelFiles } from "./textModel.ts";

export interface ModelEvaluation {
  readonly gpu: Gpu;
  readonly spec: Spec;
  readonly files: ModelFiles;
  readonly evaluation: PreparedEvaluation;
  /** Evaluated behind the method's trigger, where it has one; undefined: the bare model, without. */
  readonly adapter?: AdapterOnDevice | undefined;
  /** @param detail how the share done reads */
  readonly onProgress?: (done: number, total: number, detail: string) => void;
  readonly signal?: AbortSignal;
}

export async function evaluateModel(options: ModelEvaluation): Promise<Evaluation> {
  const { gpu, spec, files, evaluation, adapter, onProgress = () => undefined, signal } = options;
  const model = await loadWeights(gpu, files, undefined, signal, quantisedType(spec.model));
  const generator = new Generator(gpu, model, adapter);
  try {
    const trigger = adapter === undefined ? null : bindMethod(spec.method).rows.trigger(spec.train.seed);
    return await runEvaluation(evaluation, files, generator, onProgress, signal, trigger);
  } finally {
    generator.destroy();
    model.destroy();
  }
}
