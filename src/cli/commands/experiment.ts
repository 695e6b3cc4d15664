/** @file Commands about experiments: run, table, plan, eval, export, report. */

import { type Command, Option } from "commander";
import { TABLE_FORMATS } from "../../experiment/table/exports.ts";
import { wholeNumber } from "../arguments.ts";
import { type ExportOptions, exportSpec } from "../exportCommand.ts";
import { type DataOptions, showData } from "../dataCommand.ts";
import { type PlanOptions, planSpec } from "../planCommand.ts";
import { type ReportOptions, reportRuns } from "../reportCommand.ts";
import { type EvalOptions, type RunOptions, evaluateSpec, runSpec } from "../runCommand.ts";
import { type TableOptions, runTable } from "../tableCommand.ts";
import { ADAPTER_HELP } from "./help.ts";

export function runCommand(program: Command): void {
  program
    .command("run")
    .description("run one experiment: writes spec.json, metrics.jsonl, adapter/ and report.json")
    .argument("<spec>", "the experiment, a JSON file")
    .requiredOption("--out <dir>", "folder for the results")
    .addOption(
      new Option(
        "--resume",
        "resume the unfinished run in the folder from its last checkpoint " +
          "(train.save_steps); start from the beginning if there is none",
      ),
    )
    .addOption(new Option("--force", "overwrite a folder that already contains a run").conflicts("resume"))
    .action((spec: string, options: RunOptions) => runSpec(spec, options));
}

export function tableCommand(program: Command): void {
  program
    .command("table")
    .description("run a table of experiments: every unfinished cell in turn, then the results of all; Ctrl-C pauses")
    .argument("<table>", "the table, a JSON file: a base spec and axes")
    .requiredOption("--out <dir>", "folder for runs and results; use the same folder again to resume")
    .addOption(
      new Option("--format <format>", "format to print; all four are written to files")
        .choices(TABLE_FORMATS)
        .default("md"),
    )
    .option("--retry", "rerun failed cells")
    .option("--no-run", "run nothing; only report finished cells")
    .action((table: string, options: TableOptions) => runTable(table, options));
}

export function planCommand(program: Command): void {
  program
    .command("plan")
    .description(
      "show what a run would need: memory by part, whether it fits, and what to lower if it does not; runs nothing",
    )
    .argument("<spec>", "the experiment, a JSON file")
    .option("--json", "one JSON document on stdout")
    .option("--no-device", "plan without opening a device: default limits, assumed memory")
    .action((spec: string, options: PlanOptions) => planSpec(spec, options));
}

export function dataCommand(program: Command): void {
  program
    .command("data")
    .description(
      "show what a run would be trained on: the first rows as text, tokens, labels and weights, and how many rows " +
        "are cut, dropped or partly ignored, with reasons; trains nothing",
    )
    .argument("<spec>", "the experiment, a JSON file")
    .option("--rows <n>", "number of rows to show", wholeNumber(0), 3)
    .option("--json", "one JSON document on stdout")
    .action((spec: string, options: DataOptions) => showData(spec, options));
}

export function evalCommand(program: Command): void {
  program
    .command("eval")
    .description("evaluate the spec's model, with or without an adapter; prints the scores as JSON")
    .argument("<spec>", "the experiment, a JSON file")
    .option("--adapter <dir>", ADAPTER_HELP)
    .option("--answers <file>", "write every prompt with its answer to this JSON Lines file")
    .action((spec: string, options: EvalOptions) => evaluateSpec(spec, options));
}

export function exportCommand(program: Command): void {
  program
    .command("export")
    .description(
      "write a folder that replays the experiment with PyTorch, transformers, PEFT and Accelerate; trains nothing",
    )
    .argument("<spec>", "the experiment, a JSON file")
    .requiredOption("--python <dir>", "folder to write")
    .option("--force", "write into a folder that is not empty")
    .action((spec: string, options: ExportOptions) => exportSpec(spec, options));
}

export function reportCommand(program: Command): void {
  program
    .command("report")
    .description("write finished runs to one self-contained HTML file: spec, scores, curves, answers, device")
    .argument("<runs...>", "folders written by `basin run`")
    .requiredOption("--out <file>", "HTML file to write")
    .option("--samples <n>", "number of answers of each kind to show; 0 for none", wholeNumber(0), 6)
    .option("--page <address>", "URL of a Basin page, for the link that opens the experiment")
    .option("--force", "overwrite the file")
    .action((runs: string[], options: ReportOptions) => reportRuns(runs, options));
}
