/**
 * @file The command line without a device: usage, wrong arguments, wrong files. Exit code 2 for usage, 1 for errors.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { basin, folder } from "./support.ts";

const TIMEOUT = 60_000;

describe("basin", () => {
  it(
    "explains itself, from any folder",
    async () => {
      const help = await basin(["--help"]);
      expect(help.code).toBe(0);
      for (const command of ["doctor", "score", "generate", "run", "eval", "bench"])
        expect(help.stdout).toContain(command);
      const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
        version: string;
      };
      expect((await basin(["--version"])).stdout.trim()).toBe(version);
      expect((await basin(["run", "--help"])).stdout).toContain("--out");
    },
    TIMEOUT,
  );

  const wrong: [string, string[], string][] = [
    ["an unknown command", ["rum"], "rum"],
    ["no model", ["score", "--tokens", "1"], "--model"],
    ["neither tokens nor text", ["score", "--model", "m"], "--tokens or --text"],
    ["both tokens and text", ["score", "--model", "m", "--tokens", "1", "--text", "a"], "cannot be used with"],
    ["tokens that are none", ["score", "--model", "m", "--tokens", "1,x"], "not a token id"],
    [
      "tokens in a chat",
      ["generate", "--model", "m", "--tokens", "1", "--chat", "--max-new-tokens", "1"],
      "cannot be used with",
    ],
    ["no limit", ["generate", "--model", "m", "--prompt", "a"], "--max-new-tokens"],
    ["a limit of zero", ["generate", "--model", "m", "--prompt", "a", "--max-new-tokens", "0"], "at least 1"],
    ["no output folder", ["run", "spec.json"], "--out"],
    ["an unknown suite", ["bench", "--suite", "x"], "Allowed choices"],
  ];
  for (const [name, args, message] of wrong) {
    it(
      `refuses ${name}`,
      async () => {
        const { code, stdout, stderr } = await basin(args);
        expect(stderr).toContain(message);
        expect(code).toBe(2);
        expect(stdout).toBe("");
      },
      TIMEOUT,
    );
  }

  it(
    "names a model that does not exist, and the bundled ones",
    async () => {
      const { code, stderr, stdout } = await basin(["score", "--model", "nowhere", "--tokens", "1,2"]);
      expect(code).toBe(1);
      expect(stdout).toBe("");
      expect(stderr).toContain('no model "nowhere"');
      expect(stderr).toContain("apothecary-aligned");
    },
    TIMEOUT,
  );

  it(
    "names the line of a malformed spec, the nearest field, and a missing file",
    async () => {
      const cwd = folder();
      writeFileSync(join(cwd, "broken.json"), '{\n  "train": {\n    "seed": 1,,\n  }\n}');
      writeFileSync(join(cwd, "unknown.json"), '{\n  "train": {\n    "learning_rat": 1\n  }\n}');
      writeFileSync(
        join(cwd, "rows.json"),
        '{"data": {"train": {"path": "missing.jsonl", "format": "tokens"}}, "method": {"name": "sft"}}',
      );
      const broken = await basin(["run", "broken.json", "--out", "out"], { cwd });
      expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("broken.json line 3")]);
      const unknown = await basin(["run", "unknown.json", "--out", "out"], { cwd });
      expect(unknown.code).toBe(1);
      expect(unknown.stderr).toContain("unknown.json line 3: train.learning_rat");
      expect(unknown.stderr).toContain('"learning_rate"');
      const missing = await basin(["run", "nothing.json", "--out", "out"], { cwd });
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("nothing.json")]);
    },
    TIMEOUT,
  );

  it(
    "writes kernels' sources into no folder that has something in it",
    async () => {
      const cwd = folder();
      writeFileSync(join(cwd, "kept.txt"), "");
      const { code, stderr, stdout } = await basin(["bench", "--wgsl", "."], { cwd });
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("The folder is not empty");
    },
    TIMEOUT,
  );
});
