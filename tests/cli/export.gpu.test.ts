/**
 * @file `basin export` against `basin run`: the same spec and rows; and, where there is a Python with torch,
 * transformers, PEFT and Accelerate, train.py has the run's losses and its adapter loads in Basin. More cases:
 * python/test_export.py.
 */

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { findPython, finish } from "../exactness/python.ts";
import { basin, folder } from "./support.ts";

const search = await findPython();
const when = search.found
  ? ""
  : ` (skipped: no Python with torch, transformers and peft; ${search.why}; set BASIN_PYTHON)`;
if (!search.found) console.warn(`The replay of an exported folder is${when.replace(/^ \(|\)$/g, " ").trimEnd()}`);

const SPEC = {
  data: { train: { source: "apothecary", n: 10, harmful_ratio: 0.2 } },
  lora: { lora_dropout: 0.1, r: 4 },
  method: { name: "asft", lambda: 3 },
  train: {
    num_train_epochs: 1,
    per_device_train_batch_size: 3,
    gradient_accumulation_steps: 2,
    learning_rate: 2e-3,
    max_grad_norm: 1,
  },
  eval: { harmful: null, task: null, benign: null },
};

const lines = (path: string): string => readFileSync(path, "utf8");

describe("export", () => {
  let cwd = "";
  beforeAll(async () => {
    cwd = folder();
    writeFileSync(join(cwd, "spec.json"), JSON.stringify(SPEC));
    const ran = await basin(["run", "spec.json", "--out", "run"], { cwd });
    expect(ran.code, ran.stderr).toBe(0);
    const made = await basin(["export", "spec.json", "--python", "replay"], { cwd });
    expect(made.code, made.stderr).toBe(0);
    expect(JSON.parse(made.stdout)).toMatchObject({ rows: 10, steps: 2 });
  });

  it("has the run's spec and rows, byte for byte, and its number of steps", () => {
    for (const name of ["rows.jsonl", "spec.json"])
      expect(lines(join(cwd, "replay", name))).toBe(lines(join(cwd, "run", name)));
    expect(lines(join(cwd, "replay", "order.jsonl")).split("\n")).toHaveLength(
      lines(join(cwd, "run", "metrics.jsonl")).split("\n").length,
    );
    expect(readdirSync(join(cwd, "replay"))).toEqual(
      expect.arrayContaining([
        "README.md",
        "accelerate",
        "asft.py",
        "check.py",
        "models",
        "requirements.txt",
        "train.py",
      ]),
    );
  });

  it("refuses a folder that is not empty", async () => {
    const { code, stderr } = await basin(["export", "spec.json", "--python", "run"], { cwd });
    expect([code, stderr]).toEqual([1, expect.stringContaining("not empty")]);
  });

  it.skipIf(!search.found)(
    `has the run's losses, and an adapter that Basin loads${when}`,
    async () => {
      const python = search.found ? search.python : "";
      const replay = join(cwd, "replay");
      const environment = { OMP_NUM_THREADS: "1", CUDA_VISIBLE_DEVICES: "" };
      const trained = await finish(
        python,
        [join(replay, "train.py"), "--dropout", "basin", "--out", join(replay, "out")],
        environment,
      );
      expect(trained.code, trained.stderr).toBe(0);
      const checked = await finish(python, [join(replay, "check.py"), join(cwd, "run")], environment);
      console.log(`export, replayed: ${checked.stdout.trim()}`);
      expect(checked.code, checked.stderr).toBe(0);
      const score = async (adapter: string): Promise<number[]> => {
        const { code, stdout, stderr } = await basin(
          ["score", "--model", "apothecary-aligned", "--adapter", adapter, "--tokens", "335,336,316,288,261"],
          { cwd },
        );
        expect(code, stderr).toBe(0);
        return (JSON.parse(stdout) as { token_logprobs: number[] }).token_logprobs;
      };
      const [ours, theirs] = [await score("run/adapter"), await score("replay/out/adapter")];
      for (const [i, value] of theirs.entries())
        expect(Math.abs(value - (ours[i] ?? Number.NaN))).toBeLessThanOrEqual(2e-4);
    },
    240_000,
  );
});
