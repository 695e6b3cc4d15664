/** @file Commands about a model or an adapter: score, generate, merge, analyse. */

import { type Command, Option } from "commander";
import { QUANTIZATIONS } from "../../experiment/run/quantization.ts";
import { DEFAULT_SHARD_BYTES } from "../../weights/mergeModel.ts";
import { ANALYSIS_FORMATS, type AnalyseOptions, analyse, directions, type DirectionsOptions } from "../analyse.ts";
import { byteSize, numberIn, tokenList, wholeNumber } from "../arguments.ts";
import { type GenerateOptions, type ScoreOptions, generate, score } from "../inference.ts";
import { landscape, type LandscapeOptions } from "../landscapeCommand.ts";
import { MERGE_DTYPES, type MergeOptions, merge } from "../merge.ts";
import { type TemplateOptions, renderTemplate } from "../templateCommand.ts";
import { ADAPTER_HELP, MODEL_HELP, QUANTIZATION_HELP } from "./help.ts";

export function scoreCommand(program: Command): void {
  program
    .command("score")
    .description("log-probability (natural) of each token given the tokens before it, as JSON")
    .requiredOption("--model <model>", MODEL_HELP)
    .option("--adapter <dir>", ADAPTER_HELP)
    .addOption(new Option("--quantization <type>", QUANTIZATION_HELP).choices(QUANTIZATIONS))
    .option("--double-quant", "with nf4, also quantise its scales to 8 bits")
    .addOption(new Option("--tokens <ids>", "token ids, separated by commas").argParser(tokenList).conflicts("text"))
    .option("--text <text>", "a text, encoded with the model's tokenizer")
    .action((options: ScoreOptions, command: Command) => {
      if (options.tokens === undefined && options.text === undefined) command.error("error: give --tokens or --text");
      return score(options);
    });
}

export function generateCommand(program: Command): void {
  program
    .command("generate")
    .description(
      "continue a prompt; prints JSON with the new tokens, their text and the reason it ended; " +
        "greedy unless --temperature is given",
    )
    .requiredOption("--model <model>", MODEL_HELP)
    .option("--adapter <dir>", ADAPTER_HELP)
    .addOption(new Option("--quantization <type>", QUANTIZATION_HELP).choices(QUANTIZATIONS))
    .option("--double-quant", "with nf4, also quantise its scales to 8 bits")
    .addOption(
      new Option("--tokens <ids>", "token ids, separated by commas").argParser(tokenList).conflicts(["prompt", "chat"]),
    )
    .option("--prompt <text>", "a text to continue, or a message to answer with --chat")
    .option("--chat", "apply the model's chat template")
    .addOption(
      new Option("--max-new-tokens <n>", "maximum number of tokens to generate")
        .argParser(wholeNumber(1))
        .makeOptionMandatory(),
    )
    .option("--ignore-eos", "do not stop at an end token")
    .option("--temperature <t>", "sample at this temperature instead of taking the most likely token", numberIn(0, 100))
    .option("--top-k <k>", "sample among the k most likely tokens; 0 for all", wholeNumber(0), 0)
    .option("--top-p <p>", "sample among the most likely tokens that together reach p", numberIn(0, 1), 1)
    .option(
      "--repetition-penalty <p>",
      "values above 1 make repeated tokens less likely, as in transformers",
      numberIn(0.01, 100),
      1,
    )
    .option("--seed <n>", "seed of the sampling", wholeNumber(0), 0)
    .option("--stop <text>", "stop before this text; repeatable", (text: string, before: readonly string[] = []) => [
      ...before,
      text,
    ])
    .action((options: GenerateOptions, command: Command) => {
      if (options.tokens === undefined && options.prompt === undefined)
        command.error("error: give --tokens or --prompt");
      return generate(options);
    });
}

export function templateCommand(program: Command): void {
  program
    .command("template")
    .description("write a conversation with the model's chat template, as transformers does; prints JSON with the text")
    .requiredOption("--model <model>", MODEL_HELP)
    .requiredOption("--messages <file>", 'JSON file with a list of messages, or with {"messages": […], "tools": […]}')
    .option("--tools <file>", "JSON file with a list of tools (JSON schemas)")
    .option("--add-generation-prompt", "end where the assistant begins to speak")
    .action((options: TemplateOptions) => renderTemplate(options));
}

export function mergeCommand(program: Command): void {
  program
    .command("merge")
    .description(
      "merge an adapter into its model and write one model (config, tokenizer, safetensors) for transformers",
    )
    .requiredOption("--model <model>", MODEL_HELP)
    .requiredOption("--adapter <dir>", ADAPTER_HELP)
    .requiredOption("--out <dir>", "folder to write")
    .addOption(
      new Option("--dtype <type>", "dtype of all weights (default: as stored)").choices(Object.keys(MERGE_DTYPES)),
    )
    .option("--max-shard-size <size>", "largest safetensors file, such as 5GB or 200MB", byteSize, DEFAULT_SHARD_BYTES)
    .option("--force", "write into a folder that is not empty")
    .action((options: MergeOptions) => merge(options));
}

export function analyseCommand(program: Command): void {
  program
    .command("analyse")
    .description("analyse an adapter and its models; without a name, list the analyses")
    .argument("[name]", "the analysis")
    .option("--adapter <dir>", ADAPTER_HELP)
    .option("--model <model>", `the fine-tuned model: ${MODEL_HELP}`)
    .option("--unaligned <model>", "its unaligned twin, likewise")
    .option("--options <json>", "options of the analysis, a JSON object")
    .addOption(new Option("--format <format>", "what is printed").choices(ANALYSIS_FORMATS).default("text"))
    .action((name: string | undefined, options: AnalyseOptions) => analyse(name, options));
}

export function landscapeCommand(program: Command): void {
  program
    .command("landscape")
    .description(
      "how safe a model stays when its weights are moved: curves and planes of the harmful score, VISAGE, EPL",
    )
    .argument("<spec>", "the landscape, a JSON file: an experiment's model and eval, and how the weights are moved")
    .requiredOption("--out <dir>", "folder for the results")
    .addOption(new Option("--resume", "measure what is missing in the folder"))
    .addOption(new Option("--force", "overwrite a folder that already contains a landscape").conflicts("resume"))
    .action((spec: string, options: LandscapeOptions) => landscape(spec, options));
}

export function directionsCommand(program: Command): void {
  program
    .command("directions")
    .description("the alignment directions of an experiment's pair, and how an adapter uses them; needs no GPU")
    .argument("<spec>", "the experiment, a JSON file; its two models are read")
    .requiredOption("--adapter <dir>", ADAPTER_HELP)
    .addOption(new Option("-k, --k <directions>", "directions of each matrix that count").argParser(numberIn(1, 64)))
    .option("--json", "one JSON document on stdout")
    .action((spec: string, options: DirectionsOptions) => directions(spec, options));
}
