/**
 * @file `basin`, the command line: arguments in, exit code out.
 *
 * Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 an error of the experiment or the machine,
 * 2 wrong usage, 130 interrupted.
 */

import { Command, CommanderError } from "commander";
import { benchCommand, doctorCommand, tuneCommand } from "./commands/device.ts";
import {
  dataCommand,
  evalCommand,
  exportCommand,
  planCommand,
  reportCommand,
  runCommand,
  tableCommand,
} from "./commands/experiment.ts";
import {
  analyseCommand,
  directionsCommand,
  generateCommand,
  landscapeCommand,
  mergeCommand,
  scoreCommand,
  templateCommand,
} from "./commands/model.ts";
import { packageVersion } from "./paths.ts";
import { printError } from "./report.ts";

/** In the order of `basin --help`. */
const COMMANDS = [
  doctorCommand,
  tuneCommand,
  scoreCommand,
  generateCommand,
  runCommand,
  tableCommand,
  planCommand,
  dataCommand,
  templateCommand,
  evalCommand,
  exportCommand,
  reportCommand,
  mergeCommand,
  analyseCommand,
  directionsCommand,
  landscapeCommand,
  benchCommand,
];

function createProgram(): Command {
  const program = new Command("basin")
    .description("A fine-tuning lab: LoRA and AsFT on WebGPU. `npm start` opens the lab in the browser.")
    .version(packageVersion)
    .exitOverride()
    .showHelpAfterError("(add --help for the usage)");
  for (const add of COMMANDS) add(program);
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
// Dawn keeps the process alive while a device exists: exit once the output is flushed.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
