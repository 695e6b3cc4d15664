/**
 * @file `basin`, the command line: arguments in, exit code out.
 *
 * Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 an error of the experiment or the machine,
 * 2 wrong usage, 130 interrupted.
 */

import { Command, CommanderError, Option } from "commander";
import { byteSize, numberIn, tokenList, wholeNumber } from "./arguments.ts";
import { ANALYSIS_FORMATS, type AnalyseOptions, analyse } from "./analyse.ts";
import { type BenchOptions, SUITES, bench } from "./bench.ts";
import { doctor } from "./doctor.ts";
import { type ExportOptions, exportSpec } from "./exportCommand.ts";
import { type GenerateOptions, type ScoreOptions, generate, score } from "./inference.ts";
import { MERGE_DTYPES, type MergeOptions, merge } from "./merge.ts";
import { packageVersion } from "./paths.ts";
import { type PlanOptions, planSpec } from "./planCommand.ts";
import { printError } from "./report.ts";
import { type ReportOptions, reportRuns } from "./reportCommand.ts";
import { QUANTIZATIONS } from "../experiment/run/quantization.ts";
import { type TuneOptions, tune } from "./tune.ts";
import { DEFAULT_SHARD_BYTES } from "../weights/mergeModel.ts";
import { type EvalOptions, type RunOptions, evaluateSpec, runSpec } from "./runCommand.ts";
import { type TableOptions, runTable } from "./tableCommand.ts";
import { TABLE_FORMATS } from "../experiment/table/exports.ts";

const MODEL_HELP =
  "folder in Hugging Face layout, owner/name[@revision] of the Hugging Face hub, an address, or a bundled model's name";
const ADAPTER_HELP =
  "PEFT adapter (adapter_config.json, adapter_model.safetensors): a folder, owner/name of the hub, or an address";
const QUANTIZATION_HELP = "quantise the layers' matrices while they are loaded";

function createProgram(): Command {
  const program = new Command("basin")
    .description("A fine-tuning lab: LoRA and AsFT on WebGPU. `npm start` opens the lab in the browser.")
    .version(packageVersion)
    .exitOverride()
    .showHelpAfterError("(add --help for the usage)");

  program
    .command("doctor")
    .description("show the adapter, its features and limits, and whether it computes right")
    .option("--json", "one JSON document on stdout")
    .action((options: { json?: boolean }) => doctor(options));

  program
    .command("tune")
    .description(
      "measure which kernel is fastest for each product of a run on this device; later commands use the answer, `basin doctor` shows it",
    )
    .argument("[spec]", "the experiment, a JSON file; the demo's by default")
    .addOption(
      new Option("--seconds <n>", "begin no further measurement after so many seconds")
        .argParser(numberIn(0, 3600))
        .default(20),
    )
    .option("--again", "measure again what is known")
    .addOption(new Option("--forget", "only forget what is known: the built-in choices hold").conflicts("again"))
    .option("--json", "one JSON document on stdout")
    .action((spec: string | undefined, options: TuneOptions) => tune(spec, options));

  program
    .command("score")
    .description("natural log-probability of each token given those before it, as JSON")
    .requiredOption("--model <model>", MODEL_HELP)
    .option("--adapter <dir>", ADAPTER_HELP)
    .addOption(new Option("--quantization <type>", QUANTIZATION_HELP).choices(QUANTIZATIONS))
    .option("--double-quant", "with nf4, keep its scales in 8 bits too")
    .addOption(new Option("--tokens <ids>", "token ids, separated by commas").argParser(tokenList).conflicts("text"))
    .option("--text <text>", "a text, for the model's tokenizer")
    .action((options: ScoreOptions, command: Command) => {
      if (options.tokens === undefined && options.text === undefined) command.error("error: give --tokens or --text");
      return score(options);
    });

  program
    .command("generate")
    .description(
      "continue a prompt, as JSON with the new tokens, their text and why it ended; greedy unless --temperature is given",
    )
    .requiredOption("--model <model>", MODEL_HELP)
    .option("--adapter <dir>", ADAPTER_HELP)
    .addOption(new Option("--quantization <type>", QUANTIZATION_HELP).choices(QUANTIZATIONS))
    .option("--double-quant", "with nf4, keep its scales in 8 bits too")
    .addOption(
      new Option("--tokens <ids>", "token ids, separated by commas").argParser(tokenList).conflicts(["prompt", "chat"]),
    )
    .option("--prompt <text>", "a text to continue, or with --chat a message to answer")
    .option("--chat", "put the prompt into the model's chat template")
    .addOption(
      new Option("--max-new-tokens <n>", "most tokens to generate").argParser(wholeNumber(1)).makeOptionMandatory(),
    )
    .option("--ignore-eos", "do not stop at an end token")
    .option(
      "--temperature <t>",
      "sample at this temperature instead of choosing the most likely token",
      numberIn(0, 100),
    )
    .option("--top-k <k>", "sample among the k most likely tokens; 0 for all", wholeNumber(0), 0)
    .option("--top-p <p>", "sample among the most likely tokens that together reach p", numberIn(0, 1), 1)
    .option(
      "--repetition-penalty <p>",
      "above 1 makes tokens that have occurred less likely, as in transformers",
      numberIn(0.01, 100),
      1,
    )
    .option("--seed <n>", "seed of the sampling", wholeNumber(0), 0)
    .option(
      "--stop <text>",
      "end before this text; may be given several times",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .action((options: GenerateOptions, command: Command) => {
      if (options.tokens === undefined && options.prompt === undefined)
        command.error("error: give --tokens or --prompt");
      return generate(options);
    });

  program
    .command("run")
    .description("one experiment: writes spec.json, metrics.jsonl, adapter/ and report.json")
    .argument("<spec>", "the experiment, a JSON file")
    .requiredOption("--out <dir>", "folder for the results")
    .addOption(
      new Option(
        "--resume",
        "go on with the unfinished run that the folder holds, from its last checkpoint (train.save_steps); where there is none, begin",
      ),
    )
    .addOption(new Option("--force", "write into a folder that already holds a run").conflicts("resume"))
    .action((spec: string, options: RunOptions) => runSpec(spec, options));

  program
    .command("table")
    .description(
      "a table of experiments: runs every cell that is not finished yet, one after the other, and writes the figures of all; Ctrl-C pauses",
    )
    .argument("<table>", "the table, a JSON file: a base spec and axes")
    .requiredOption("--out <dir>", "folder for the runs and the figures; the same folder again goes on")
    .addOption(
      new Option("--format <format>", "what is printed; all four are written").choices(TABLE_FORMATS).default("md"),
    )
    .option("--retry", "run cells again that failed")
    .option("--no-run", "run nothing; only the figures of what is finished")
    .action((table: string, options: TableOptions) => runTable(table, options));

  program
    .command("plan")
    .description(
      "what a run would take: bytes part by part, whether it fits, and what to lower where it does not; runs nothing",
    )
    .argument("<spec>", "the experiment, a JSON file")
    .option("--json", "one JSON document on stdout")
    .option("--no-device", "plan without opening a device: default limits, an assumed budget")
    .action((spec: string, options: PlanOptions) => planSpec(spec, options));

  program
    .command("eval")
    .description("evaluate the spec's model, with or without an adapter; the figures as JSON")
    .argument("<spec>", "the experiment, a JSON file")
    .option("--adapter <dir>", ADAPTER_HELP)
    .option("--answers <file>", "write every prompt with its answer to this JSON Lines file")
    .action((spec: string, options: EvalOptions) => evaluateSpec(spec, options));

  program
    .command("export")
    .description(
      "write a folder that replays the experiment with PyTorch, transformers, PEFT and Accelerate; trains nothing",
    )
    .argument("<spec>", "the experiment, a JSON file")
    .requiredOption("--python <dir>", "folder to write")
    .option("--force", "write into a folder that is not empty")
    .action((spec: string, options: ExportOptions) => exportSpec(spec, options));

  program
    .command("report")
    .description(
      "the folders of finished runs as one HTML file that opens anywhere: spec, scores, curves, answers, what it ran on",
    )
    .argument("<runs...>", "folders that `basin run` wrote")
    .requiredOption("--out <file>", "HTML file to write")
    .option("--samples <n>", "answers to show of each kind; 0 for none", wholeNumber(0), 6)
    .option("--page <address>", "address of a Basin, for the link that opens the experiment")
    .option("--force", "overwrite the file")
    .action((runs: string[], options: ReportOptions) => reportRuns(runs, options));

  program
    .command("merge")
    .description(
      "add an adapter to its model's weights and write one model (config, tokenizer, safetensors) that transformers loads",
    )
    .requiredOption("--model <model>", MODEL_HELP)
    .requiredOption("--adapter <dir>", ADAPTER_HELP)
    .requiredOption("--out <dir>", "folder to write")
    .addOption(
      new Option("--dtype <type>", "type of all weights; each keeps its own unless given").choices(
        Object.keys(MERGE_DTYPES),
      ),
    )
    .option("--max-shard-size <size>", "largest safetensors file, such as 5GB or 200MB", byteSize, DEFAULT_SHARD_BYTES)
    .option("--force", "write into a folder that is not empty")
    .action((options: MergeOptions) => merge(options));

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

  program
    .command("bench")
    .description("measure this device: matrix products, training steps, and what the AsFT step costs over SFT's")
    .addOption(new Option("--suite <name>", "only one part").choices(SUITES))
    .addOption(
      new Option("--quantization <type>", "quantise the layers' matrices, which are bf16 otherwise").choices(
        QUANTIZATIONS,
      ),
    )
    .option("--profile", "instead: where the time of a training step goes, operator by operator")
    .addOption(
      new Option(
        "--wgsl <dir>",
        "with --profile: write the kernels' sources, as they were compiled, into this folder",
      ).implies({ profile: true }),
    )
    .option("--force", "write into a folder that is not empty")
    .option("--json", "one JSON document on stdout instead of tables")
    .action((options: BenchOptions) => bench(options));

  return program;
}

async function main(): Promise<number> {
  try {
    await createProgram().parseAsync();
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    printError(error);
    return 1;
  }
}

const code = await main();
// Dawn keeps the process alive while a device exists; leave once what was written has left.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
