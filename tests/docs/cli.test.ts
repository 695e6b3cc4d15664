/** @file docs/cli.md names every command of the command line and every option of theirs. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import * as device from "../../src/cli/commands/device.ts";
import * as experiment from "../../src/cli/commands/experiment.ts";
import * as model from "../../src/cli/commands/model.ts";

const program = new Command();
for (const add of [...Object.values(device), ...Object.values(experiment), ...Object.values(model)]) add(program);
const text = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");

describe("docs/cli.md", () => {
  it.each(program.commands.map((command) => [command.name(), command] as const))("documents %s", (name, command) => {
    expect(text).toContain(`npx basin ${name} `);
    expect(command.options.map(({ long }) => long).filter((long) => !text.includes(String(long)))).toEqual([]);
  });
});
