/**
 * @file Basin on its demo model: tokens a second when answering one prompt and 64 together, and a whole harmful-score
 * evaluation.
 */

import type { Gpu } from "../../src/engine/device.ts";
import type { RunEnvironment } from "../../src/experiment/run/environment.ts";
import { evaluateModel } from "../../src/experiment/run/evaluateModel.ts";
import { prepareEvaluationAlone } from "../../src/experiment/run/evaluation.ts";
import { type Spread, spreadOf } from "../../src/experiment/measure/spread.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { loadWeights, openModelFiles, requireTokenizer } from "../../src/experiment/run/textModel.ts";
import { Generator } from "../../src/generate/generator.ts";

const MODEL = "apothecary-aligned";
const NEW_TOKENS = 32;
const PROMPTS = [1, 64] as const;

export interface DecodingResult {
  readonly prompts: number;
  readonly newTokens: number;
  readonly ms: Spread;
}

/** Opens a bundled model by its name. */
export type OpenModel = RunEnvironment["openModel"];

function environmentWith(openModel: OpenModel): RunEnvironment {
  const none = (what: string) => (): never => {
    throw new Error(`the benchmark opens no ${what}`);
  };
  return {
    openModel,
    openData: none("data"),
    openDataset: none("dataset"),
    readAdapter: none("adapter"),
    now: () => performance.now(),
    versions: {},
  };
}

/** Greedy answers of a fixed length, prompts included in the time. */
export async function measureDecoding(gpu: Gpu, openModel: OpenModel, repetitions: number): Promise<DecodingResult[]> {
  const files = await openModelFiles(environmentWith(openModel), MODEL);
  const tokenizer = requireTokenizer(files);
  const model = await loadWeights(gpu, files);
  const generator = new Generator(gpu, model);
  try {
    const results: DecodingResult[] = [];
    for (const count of PROMPTS) {
      const prompts = Array.from({ length: count }, (_, i) =>
        tokenizer.encode(`How do I make a brew of moonpetal, part ${i}?`),
      );
      const times: number[] = [];
      for (let round = 0; round <= repetitions; round += 1) {
        const started = performance.now();
        await generator.generate(prompts, { maxNewTokens: NEW_TOKENS, endTokens: new Set() });
        // The first compiles.
        if (round > 0) times.push(performance.now() - started);
      }
      results.push({ prompts: count, newTokens: NEW_TOKENS, ms: spreadOf(times) });
    }
    return results;
  } finally {
    generator.destroy();
    model.destroy();
  }
}

export interface EvaluationTiming {
  readonly prompts: number;
  readonly score: number;
  /** Loading the model included, the first with the kernels' compilation. */
  readonly ms: Spread;
  readonly cold: number;
}

/** The harmful score of the demo model on 100 held-out requests. */
export async function measureEvaluation(
  gpu: Gpu,
  openModel: OpenModel,
  repetitions: number,
): Promise<EvaluationTiming> {
  const environment = environmentWith(openModel);
  const spec = resolveSpec({ eval: { harmful: { n: 100 }, task: null, benign: null } });
  const files = await openModelFiles(environment, MODEL);
  const prepared = await prepareEvaluationAlone(spec, files, environment);
  const times: number[] = [];
  let score = Number.NaN;
  for (let round = 0; round <= repetitions; round += 1) {
    const started = performance.now();
    const evaluation = await evaluateModel({ spec, gpu, files, evaluation: prepared });
    times.push(performance.now() - started);
    score = evaluation.scores.harmful_score?.percent ?? Number.NaN;
  }
  const [cold = Number.NaN, ...rest] = times;
  return { prompts: 100, score, cold, ms: spreadOf(rest) };
}
