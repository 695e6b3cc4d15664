/** @file Commands about this machine: doctor, tune, bench. */

import { type Command, Option } from "commander";
import { QUANTIZATIONS } from "../../experiment/run/quantization.ts";
import { numberIn } from "../arguments.ts";
import { type BenchOptions, SUITES, bench } from "../bench.ts";
import { doctor } from "../doctor.ts";
import { type TuneOptions, tune } from "../tune.ts";

export function doctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("show the GPU adapter, its features and limits, and check that it computes correctly")
    .option("--json", "one JSON document on stdout")
    .action((options: { json?: boolean }) => doctor(options));
}

export function tuneCommand(program: Command): void {
  program
    .command("tune")
    .description(
      "measure which kernel is fastest for each matmul of a run on this device; later commands use the result, " +
        "`basin doctor` shows it",
    )
    .argument("[spec]", "the experiment, a JSON file (default: the demo)")
    .addOption(
      new Option("--seconds <n>", "start no new measurement after this many seconds")
        .argParser(numberIn(0, 3600))
        .default(20),
    )
    .option("--again", "measure again, ignoring stored results")
    .addOption(new Option("--forget", "only delete stored results; built-in choices apply").conflicts("again"))
    .option("--json", "one JSON document on stdout")
    .action((spec: string | undefined, options: TuneOptions) => tune(spec, options));
}

export function benchCommand(program: Command): void {
  program
    .command("bench")
    .description("benchmark this device: matmuls, training steps, and the cost of an AsFT step over an SFT step")
    .addOption(new Option("--suite <name>", "run only one part").choices(SUITES))
    .addOption(
      new Option("--quantization <type>", "quantise the layers' matrices (default: bf16)").choices(QUANTIZATIONS),
    )
    .option("--profile", "instead: time per operator of a training step")
    .addOption(
      new Option(
        "--wgsl <dir>",
        "with --profile: write the WGSL of every kernel, as compiled, into this folder",
      ).implies({ profile: true }),
    )
    .option("--force", "write into a folder that is not empty")
    .option("--json", "one JSON document on stdout instead of tables")
    .action((options: BenchOptions) => bench(options));
}
