/**
 * @file The command line's contract, on a device: JSON on stdout, the files of a run, what an interrupted or diverging
 * run keeps.
 */

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunReport, StepMetrics } from "../../src/experiment/run/events.ts";
import { decodeAdapter } from "../../src/weights/adapterFile.ts";
import { basin, folder } from "./support.ts";

const MODEL = "apothecary-aligned";

function json<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

function steps(out: string): StepMetrics[] {
  return readFileSync(join(out, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as StepMetrics);
}

function spec(cwd: string, value: unknown): string {
  writeFileSync(join(cwd, "spec.json"), JSON.stringify(value));
  return "spec.json";
}

const noEval = { harmful: null, task: null, benign: null };

describe("doctor", () => {
  it("names the adapter and passes the self-check", async () => {
    const { code, stdout } = await basin(["doctor", "--json"]);
    const report = JSON.parse(stdout) as {
      adapter: { software: boolean };
      checks: { ok: boolean }[];
      limits: Record<string, number>;
    };
    expect(code).toBe(0);
    expect(report.checks.length).toBeGreaterThan(0);
    expect(report.checks.every(({ ok }) => ok)).toBe(true);
    expect(report.limits.maxStorageBufferBindingSize).toBeGreaterThan(0);
  });
});

describe("score and generate", () => {
  it("print nothing but JSON on stdout", async () => {
    const scored = await basin(["score", "--model", MODEL, "--tokens", "335,336,316,288,261"]);
    const { tokens, token_logprobs } = JSON.parse(scored.stdout) as { tokens: number[]; token_logprobs: number[] };
    expect(tokens).toEqual([335, 336, 316, 288, 261]);
    expect(token_logprobs).toHaveLength(4);
    expect(token_logprobs.every((value) => value <= 0 && Number.isFinite(value))).toBe(true);
    expect(scored.stdout.trim().split("\n")).toHaveLength(1);

    const generated = await basin([
      "generate",
      "--model",
      MODEL,
      "--prompt",
      "How do I brew a calming tonic?",
      "--chat",
      "--max-new-tokens",
      "40",
    ]);
    const answer = JSON.parse(generated.stdout) as { tokens: number[]; text: string };
    expect(answer.text).toMatch(/take .* and .*Stir \d+ times/);
    expect(answer.tokens.length).toBeLessThan(40);
    const endless = await basin([
      "generate",
      "--model",
      MODEL,
      "--tokens",
      "335,336",
      "--max-new-tokens",
      "40",
      "--ignore-eos",
    ]);
    expect((JSON.parse(endless.stdout) as { tokens: number[] }).tokens).toHaveLength(40);
  });

  it("quantise the weights and report the error against the stored ones", async () => {
    const { stdout, stderr } = await basin([
      "score",
      "--model",
      MODEL,
      "--tokens",
      "335,336,316,288,261",
      "--quantization",
      "nf4",
      "--double-quant",
    ]);
    expect((JSON.parse(stdout) as { token_logprobs: number[] }).token_logprobs).toHaveLength(4);
    expect(stderr).toMatch(
      /28 matrices quantised to nf4_double: error 9\.\d+ % on average, 9\.\d+ % at worst \(model\.layers\.\d\./,
    );
    const unknown = await basin(["score", "--model", MODEL, "--tokens", "1,2", "--quantization", "int4"]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("int8, nf4");
  });

  it("refuse ids outside the vocabulary", async () => {
    const { code, stdout, stderr } = await basin(["score", "--model", MODEL, "--tokens", "1,99999"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("99999");
  });
});

describe("run", () => {
  it("writes spec, metrics, adapter and report; eval of the adapter repeats the report's figures", async () => {
    const cwd = folder();
    const file = spec(cwd, {
      method: { name: "asft", lambda: 1 },
      train: { learning_rate: 5e-4, max_steps: 6, per_device_train_batch_size: 4 },
      eval: { harmful: { n: 6 }, task: { n: 6 }, benign: { n: 6 }, every_steps: 4 },
    });
    const ran = await basin(["run", file, "--out", "out"], { cwd });
    expect(ran.stderr).toContain("training 6/6");
    expect(ran.code).toBe(0);
    const out = join(cwd, "out");
    expect(readdirSync(out).sort()).toEqual([
      "adapter",
      "answers.jsonl",
      "metrics.jsonl",
      "modules.jsonl",
      "report.json",
      "rows.jsonl",
      "samples.jsonl",
      "spec.json",
    ]);
    expect(json<{ train: Record<string, unknown> }>(join(out, "spec.json")).train).toMatchObject({
      max_steps: 6,
      lr_gamma: 0.85,
      seed: 42,
    });
    const metrics = steps(out);
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Object.keys(metrics[0] ?? {}).sort()).toEqual([
      "ce",
      "grad_norm",
      "learning_rate",
      "loss",
      "ms",
      "penalty",
      "step",
      "tokens",
    ]);
    expect(metrics[0]?.penalty).toBe(0);
    expect(metrics[5]?.penalty).toBeGreaterThan(0);
    for (const { ce, penalty, loss } of metrics) expect(loss).toBeCloseTo(ce + penalty, 6);
    const report = json<RunReport>(join(out, "report.json"));
    expect(report).toMatchObject({
      outcome: "finished",
      steps: 6,
      before: { harmful_score: { percent: 0, count: 6 } },
      after: { task_accuracy: { count: 6 } },
    });
    const answers = readFileSync(join(out, "answers.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { when: string });
    expect([...new Set(answers.map(({ when }) => when))]).toEqual(["before", "during", "after"]);

    const adapter = decodeAdapter({
      "adapter_config.json": readFileSync(join(out, "adapter", "adapter_config.json")),
      "adapter_model.safetensors": readFileSync(join(out, "adapter", "adapter_model.safetensors")),
    });
    expect(adapter.modules).toHaveLength(8);
    expect(adapter.modules.every(({ B }) => B.some((value) => value !== 0))).toBe(true);
    expect(adapter.config).toMatchObject({ r: 8, lora_alpha: 32, base_model_name_or_path: MODEL });

    const evaluated = await basin(["eval", file, "--adapter", "out/adapter"], { cwd });
    expect(JSON.parse(evaluated.stdout)).toMatchObject(report.after);

    const again = await basin(["run", file, "--out", "out"], { cwd });
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("already contains a run")]);
  });

  it("reads rows from a file beside the spec, and repeats its steps for the same seed", async () => {
    const cwd = folder();
    writeFileSync(
      join(cwd, "rows.jsonl"),
      Array.from(
        { length: 10 },
        (_, i) => `${JSON.stringify({ input_ids: [5, 9, 20 + i, 40, 60], labels: [-100, -100, 20 + i, 40, 60] })}\n`,
      ).join(""),
    );
    const file = spec(cwd, {
      data: { train: { path: "rows.jsonl", format: "tokens" } },
      method: { name: "sft" },
      train: { max_steps: 4, learning_rate: 1e-3 },
    });
    for (const out of ["a", "b"]) expect((await basin(["run", join(cwd, file), "--out", join(cwd, out)])).code).toBe(0);
    const losses = (out: string): number[] => steps(join(cwd, out)).map(({ loss }) => loss);
    expect(losses("a")).toEqual(losses("b"));
    expect(json<RunReport>(join(cwd, "a", "report.json")).after).toEqual({
      harmful_score: null,
      task_accuracy: null,
      perplexity: null,
      benign_compliance: null,
    });
    // An adapter of this run starts another one.
    const next = spec(cwd, {
      data: { train: { path: "rows.jsonl", format: "tokens" } },
      method: { name: "sft" },
      lora: { init_adapter: "a/adapter" },
      train: { max_steps: 1, learning_rate: 1e-3 },
    });
    expect((await basin(["run", next, "--out", "c"], { cwd })).code).toBe(0);
    expect(steps(join(cwd, "c"))[0]?.ce).toBeLessThan(losses("a")[0] ?? 0);
  });

  it("stops at a loss that is not a number and saves the adapter of the step before", async () => {
    const cwd = folder();
    const file = spec(cwd, {
      data: { train: { source: "apothecary", n: 40 } },
      method: { name: "sft" },
      train: { learning_rate: 1e12, max_steps: 20, per_device_train_batch_size: 4 },
      eval: noEval,
    });
    const { code, stderr } = await basin(["run", file, "--out", "out"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/The loss became|The gradient is not finite/);
    expect(stderr).toContain("learning_rate");
    const out = join(cwd, "out");
    expect(steps(out).length).toBeGreaterThan(0);
    expect(steps(out).every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(existsSync(join(out, "adapter", "adapter_model.safetensors"))).toBe(true);
    expect(existsSync(join(out, "report.json"))).toBe(false);
  });

  it("stops after the current step when interrupted, and saves", async () => {
    const cwd = folder();
    const file = spec(cwd, {
      data: { train: { source: "apothecary", n: 400 } },
      method: { name: "sft" },
      train: { max_steps: 4000, per_device_train_batch_size: 4 },
      eval: noEval,
    });
    let sent = false;
    const { code, stderr } = await basin(["run", file, "--out", "out"], {
      cwd,
      onStderr: (text, kill) => {
        if (sent || !/^training \d/m.test(text)) return;
        sent = true;
        kill("SIGINT");
      },
    });
    expect(stderr).toContain("stopping after this step");
    expect(code).toBe(0);
    const out = join(cwd, "out");
    const report = json<RunReport>(join(out, "report.json"));
    expect(report.outcome).toBe("stopped");
    expect(report.steps).toBe(steps(out).length);
    expect(existsSync(join(out, "adapter", "adapter_model.safetensors"))).toBe(true);
  });

  it("suggests matching names when a module does not exist", async () => {
    const cwd = folder();
    const file = spec(cwd, { lora: { target_modules: ["q_prj"] }, method: { name: "sft" }, eval: noEval });
    const { code, stderr } = await basin(["run", file, "--out", "out"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain("q_proj");
  });
});
