/** @file `basin score` and `basin generate`: one JSON document on stdout, everything else on stderr. */

import { BasinError } from "../base/error.ts";
import {
  type Quantization,
  describeQuantization,
  quantisedType,
  quantizationReport,
} from "../experiment/run/quantization.ts";
import {
  type ModelFiles,
  loadWeights,
  openModelFiles,
  requireTokenizer,
  uploadAdapter,
} from "../experiment/run/textModel.ts";
import { generateText } from "../generate/generateText.ts";
import { Generator } from "../generate/generator.ts";
import { decodeAdapter } from "../weights/adapterFile.ts";
import { nodeEnvironment, readAdapter } from "./environment.ts";
import { cliGpu } from "./gpu.ts";
import { log, printJson } from "./report.ts";
import { transferView } from "./transfers.ts";

interface ModelOptions {
  readonly model: string;
  readonly adapter?: string;
  readonly quantization?: Quantization;
  readonly doubleQuant?: boolean;
}

export interface ScoreOptions extends ModelOptions {
  readonly tokens?: readonly number[];
  readonly text?: string;
}

/** Natural log-probability of token t + 1 given tokens up to t. */
export async function score(options: ScoreOptions): Promise<void> {
  const files = await openModelFiles(nodeEnvironment(), options.model, undefined, transferView().show);
  const tokens = options.tokens ?? requireTokenizer(files).encode(options.text ?? "", { addSpecialTokens: true });
  if (tokens.length === 0)
    throw new BasinError({
      what: "There is nothing to score",
      where: "--text",
      fix: "Give a text of at least one token.",
    });
  await withGenerator(files, options, async (generator) => {
    const [token_logprobs] = await generator.score([tokens]);
    printJson({ tokens, token_logprobs });
  });
}

interface PromptOptions {
  readonly tokens?: readonly number[];
  readonly prompt?: string;
  readonly chat?: boolean;
}

interface SamplingOptions {
  /** 0 or absent: greedy. */
  readonly temperature?: number;
  readonly topK: number;
  readonly topP: number;
  readonly repetitionPenalty: number;
  readonly seed: number;
}

export interface GenerateOptions extends ModelOptions, PromptOptions, SamplingOptions {
  readonly maxNewTokens: number;
  readonly ignoreEos?: boolean;
  readonly stop?: readonly string[];
}

/**
 * The new tokens only, their text (null when the model has no tokenizer), and whether it ended at an end token, a stop
 * string or the limit.
 */
export async function generate(options: GenerateOptions): Promise<void> {
  const files = await openModelFiles(nodeEnvironment(), options.model, undefined, transferView().show);
  const prompt = options.tokens ?? promptTokens(files, options.prompt ?? "", options.chat ?? false);
  if (prompt.length === 0)
    throw new BasinError({
      what: "There are no tokens to start from",
      where: "--prompt",
      fix: "Give a prompt of at least one token, or use --chat.",
    });
  const { temperature = 0, topK, topP, repetitionPenalty, seed, stop = [] } = options;
  if (stop.length > 0) requireTokenizer(files);
  await withGenerator(files, options, async (generator) => {
    const [answer] = await generateText(generator, files.tokenizer ?? { decode: () => "" }, [prompt], {
      maxNewTokens: options.maxNewTokens,
      endTokens: options.ignoreEos ? new Set() : files.eosIds,
      sampling: { temperature, top_k: topK, top_p: topP, repetition_penalty: repetitionPenalty, seed },
      stop,
    });
    printJson({
      tokens: answer?.tokens ?? [],
      text: files.tokenizer === null ? null : (answer?.text ?? ""),
      ended: answer?.ended ?? "length",
    });
  });
}

function promptTokens(files: ModelFiles, prompt: string, chat: boolean): number[] {
  const tokenizer = requireTokenizer(files);
  return chat
    ? tokenizer.encodeChat([{ role: "user", content: prompt }], { addGenerationPrompt: true })
    : tokenizer.encode(prompt, { addSpecialTokens: true });
}

async function withGenerator(
  files: ModelFiles,
  { adapter: adapterFolder, quantization, doubleQuant = false }: ModelOptions,
  use: (generator: Generator) => Promise<void>,
): Promise<void> {
  // Read before the device is opened, so that a wrong path fails at once.
  const adapter =
    adapterFolder === undefined ? undefined : decodeAdapter(await readAdapter(adapterFolder), adapterFolder);
  const { gpu } = await cliGpu();
  const model = await loadWeights(
    gpu,
    files,
    undefined,
    undefined,
    quantisedType({ quantization: quantization ?? null, bnb_4bit_use_double_quant: doubleQuant }),
  );
  const report = quantizationReport(model);
  if (report) log(describeQuantization(report));
  const onDevice = adapter && (await uploadAdapter(gpu, files.config, adapter, adapterFolder));
  const generator = new Generator(gpu, model, onDevice);
  try {
    await use(generator);
  } finally {
    generator.destroy();
    onDevice?.parameters.destroy();
    model.destroy();
    gpu.destroy();
  }
}
