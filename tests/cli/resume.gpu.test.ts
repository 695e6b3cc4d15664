/**
 * @file `basin run --resume`: after kill -9 and after Ctrl-C the folder ends up as that of a run that was never
 * interrupted.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { basin, folder, type Outcome } from "./support.ts";

const STEPS = 90;

const spec = {
  data: { train: { source: "apothecary", n: 50 } },
  method: { name: "asft", lambda: 0.5 },
  lora: { r: 4, lora_dropout: 0.1 },
  train: { learning_rate: 1e-3, max_steps: STEPS, per_device_train_batch_size: 4, save_steps: 7, warmup_steps: 9 },
  eval: { harmful: { n: 2 }, task: { n: 2 }, benign: null, max_new_tokens: 8, every_steps: 40 },
};

function metrics(cwd: string, out: string): { readonly step: number; readonly ms: number }[] {
  const text = readFileSync(join(cwd, out, "metrics.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { step: number; ms: number });
}

function text(cwd: string, out: string, file: string): string {
  return readFileSync(join(cwd, out, file), "latin1");
}

/** Sends a signal once training is told to have come some way. */
function interrupted(cwd: string, args: readonly string[], signal: NodeJS.Signals): Promise<Outcome> {
  let sent = false;
  return basin(args, {
    cwd,
    onStderr: (told, kill) => {
      const latest = Math.max(0, ...[...told.matchAll(/^training (\d+)\//gm)].map((match) => Number(match[1])));
      const from = Number(/resumed at step (\d+)/.exec(told)?.[1] ?? 0);
      if (sent || latest < from + 2 || (args.includes("--resume") && from === 0)) return;
      sent = true;
      kill(signal);
    },
  });
}

describe("run --resume", () => {
  it("resumes after kill -9 and after Ctrl-C with the result of an uninterrupted run, bit for bit", async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "spec.json"), JSON.stringify(spec));
    const whole = await basin(["run", "spec.json", "--out", "whole", "--resume"], { cwd });
    expect(whole.code, whole.stderr).toBe(0);
    expect(whole.stderr).toContain("There is no checkpoint to resume from; the run starts from the beginning.");
    expect(existsSync(join(cwd, "whole", "checkpoint"))).toBe(false);

    const killed = await interrupted(cwd, ["run", "spec.json", "--out", "parts"], "SIGKILL");
    expect(killed.code).toBeNull();
    expect(existsSync(join(cwd, "parts", "report.json"))).toBe(false);
    expect(metrics(cwd, "parts").length).toBeLessThan(STEPS);
    const refused = await basin(["run", "spec.json", "--out", "parts"], { cwd });
    expect(refused.stderr).toContain("--resume to resume it");

    const stopped = await interrupted(cwd, ["run", "spec.json", "--out", "parts", "--resume"], "SIGINT");
    expect(stopped.code, stopped.stderr).toBe(0);
    expect(stopped.stderr).toContain("Run the same command with --resume to continue");
    const report = JSON.parse(text(cwd, "parts", "report.json")) as { outcome: string; steps: number };
    expect(report.outcome).toBe("stopped");
    expect(report.steps).toBeLessThan(STEPS);

    // Another spec is refused before anything of the folder is touched.
    writeFileSync(join(cwd, "other.json"), JSON.stringify({ ...spec, lora: { ...spec.lora, r: 8 } }));
    const other = await basin(["run", "other.json", "--out", "parts", "--resume"], { cwd });
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("lora.r was 4 and is 8");
    expect(text(cwd, "parts", "report.json")).toContain('"stopped"');

    const last = await basin(["run", "spec.json", "--out", "parts", "--resume"], { cwd });
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toContain(`resumed at step ${report.steps}`);
    const untimed = (out: string): unknown => metrics(cwd, out).map((line) => ({ ...line, ms: 0 }));
    expect(untimed("parts")).toEqual(untimed("whole"));
    expect(metrics(cwd, "parts").map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    for (const file of [
      "adapter/adapter_model.safetensors",
      "adapter/adapter_config.json",
      "answers.jsonl",
      "modules.jsonl",
      "rows.jsonl",
      "samples.jsonl",
      "spec.json",
    ])
      expect(text(cwd, "parts", file) === text(cwd, "whole", file), file).toBe(true);
    const of = (out: string): unknown => {
      const { before, after, steps, outcome, method } = JSON.parse(text(cwd, out, "report.json")) as Record<
        string,
        unknown
      >;
      return { before, after, steps, outcome, method };
    };
    expect(of("parts")).toEqual(of("whole"));
    const { resumed_at } = JSON.parse(text(cwd, "parts", "report.json")) as { resumed_at: number[] };
    expect(resumed_at).toHaveLength(2);
    expect(existsSync(join(cwd, "parts", "checkpoint"))).toBe(false);
    const finished = await basin(["run", "spec.json", "--out", "parts", "--resume"], { cwd });
    expect(finished.stderr).toContain("The run in this folder is finished");
  });
});
