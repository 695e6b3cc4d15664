/**
 * @file Chaos: `basin` is killed at random moments and started again, until it has finished; what is left must be what
 * an uninterrupted run leaves, bit for bit, clocks apart.
 *
 * The moments come from a seed, as shares of the time that the uninterrupted run took. Where in its work that finds the
 * process depends on the machine, on purpose: whatever the moment, the end must be the same.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { Rng } from "../../src/base/rng.ts";
import { basin } from "./support.ts";

export interface ChaosTask {
  /** The command without its folder: `["run", "spec.json", "--resume"]`. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Files of a finished folder that must be equal; of `metrics.jsonl` and `report.json` all but clocks and starts. */
  readonly files: (folder: string) => readonly string[];
}

export interface ChaosAccount {
  readonly kills: number;
  /** Runs that were killed at least once and then finished, all equal to the uninterrupted one. */
  readonly runs: number;
  /** Starts that had finished before their kill came. */
  readonly late: number;
}

interface ChaosOptions {
  /** In all. */
  readonly kills: number;
  /** Of one run, before it may come to its end. */
  readonly killsOfOne: number;
  /** Decides the moments. */
  readonly seed: string;
}

/** Runs of `task` until so many kills have happened. */
export async function chaos(task: ChaosTask, { kills, killsOfOne, seed }: ChaosOptions): Promise<ChaosAccount> {
  const { args, cwd } = task;
  const start = (out: string, killAfterMs?: number): ReturnType<typeof basin> =>
    basin([...args, "--out", out], { cwd, ...(killAfterMs === undefined ? {} : { killAfterMs }) });
  const began = performance.now();
  const whole = await start("whole");
  const wholeMs = performance.now() - began;
  expect(whole.code, whole.stderr).toBe(0);
  const wanted = contentOf(task, "whole");
  const rng = new Rng(`chaos/${seed}`);
  const account = { kills: 0, runs: 0, late: 0 };
  while (account.kills < kills) {
    const out = `killed-${account.runs}`;
    let own = 0;
    const most = Math.min(killsOfOne, kills - account.kills);
    for (let i = 0; i < most; i += 1) {
      const { code } = await start(out, (rng.below(1000) / 1000) * wholeMs);
      if (code !== null) {
        account.late += 1;
        break;
      }
      own += 1;
    }
    const last = await start(out);
    // A run that has finished says so instead of running again.
    if (!last.stderr.includes("The run in this folder is finished")) expect(last.code, last.stderr).toBe(0);
    expect(contentOf(task, out), `${seed}, ${out}, killed ${own} times`).toEqual(wanted);
    rmSync(join(cwd, out), { recursive: true });
    account.kills += own;
    if (own > 0) account.runs += 1;
  }
  return account;
}

/** What a run or a table has left, with nothing of when and how often it was started. */
function contentOf({ cwd, files }: ChaosTask, out: string): Readonly<Record<string, unknown>> {
  const folder = join(cwd, out);
  return Object.fromEntries(
    files(folder).map((file) => {
      const text = readFileSync(join(folder, file), "latin1");
      if (file.endsWith("metrics.jsonl")) return [file, lines(text).map((line) => ({ ...line, ms: 0 }))];
      if (!file.endsWith("report.json")) return [file, text];
      const { before, after, steps, outcome, method } = JSON.parse(text) as Record<string, unknown>;
      return [file, { before, after, steps, outcome, method }];
    }),
  );
}

function lines(text: string): readonly Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const RUN_FILES = [
  "adapter/adapter_model.safetensors",
  "adapter/adapter_config.json",
  "answers.jsonl",
  "metrics.jsonl",
  "modules.jsonl",
  "report.json",
  "rows.jsonl",
  "samples.jsonl",
  "spec.json",
];

export function runFiles(): readonly string[] {
  return RUN_FILES;
}

/** Those of every cell, and the printed results. */
export function tableFiles(folder: string): readonly string[] {
  const cells = readdirSync(join(folder, "cells")).sort();
  return ["results.md", "results.tex", ...cells.flatMap((cell) => RUN_FILES.map((file) => `cells/${cell}/${file}`))];
}

/** As little as goes through every stage of a run, with dropout, warm-up and a checkpoint every other step. */
export const CHAOS_SPEC = {
  data: { train: { source: "apothecary", n: 24 } },
  method: { name: "asft", lambda: 0.5 },
  lora: { r: 4, lora_dropout: 0.1 },
  train: { learning_rate: 1e-3, max_steps: 12, per_device_train_batch_size: 2, save_steps: 2, warmup_steps: 3 },
  eval: { harmful: { n: 1 }, task: { n: 1 }, benign: null, max_new_tokens: 4, every_steps: 6 },
};

export const CHAOS_TABLE = {
  base: {
    data: { train: { source: "apothecary", n: 24 } },
    lora: { r: 4 },
    train: { learning_rate: 1e-3, max_steps: 4, per_device_train_batch_size: 2, save_steps: 2 },
    eval: { harmful: { n: 1 }, task: { n: 1 }, benign: null, max_new_tokens: 4 },
  },
  axes: { method: { SFT: "sft", AsFT: "asft" }, seed: [0] },
  baseline: "SFT",
};
