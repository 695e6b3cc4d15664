/** @file `basin table` on a device: folders, figures, what is repeated and what is not, interruption, failures. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { basin, folder } from "./support.ts";

const tiny = {
  base: {
    train: { learning_rate: 1e-3, max_steps: 2, per_device_train_batch_size: 2 },
    eval: { harmful: { n: 3 }, task: { n: 2 }, benign: null, max_new_tokens: 12 },
  },
  axes: {
    method: { SFT: "sft", "L2, 50 %": { name: "asft", projector: "none" } } as Record<string, unknown>,
    seed: [0] as number[],
  },
  baseline: "SFT",
};

interface Account {
  readonly cells: readonly {
    readonly key: string;
    readonly state: string;
    readonly folder?: string;
    readonly failure?: { readonly what: string };
  }[];
}

function account(out: string): Account["cells"] {
  return (JSON.parse(readFileSync(join(out, "table.json"), "utf8")) as Account).cells;
}

function write(cwd: string, table: unknown): string {
  writeFileSync(join(cwd, "table.json"), JSON.stringify(table));
  return "table.json";
}

describe("table", () => {
  it("runs each cell once, in its own folder, and writes the figures of all", async () => {
    const cwd = folder();
    const out = join(cwd, "out");
    const first = await basin(["table", write(cwd, tiny), "--out", "out"], { cwd });
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain("| SFT | 0 |");
    const [sft, l2] = account(out);
    expect(sft?.folder).toMatch(/^cells\/sft-seed-0-[0-9a-f]{12}$/);
    expect(l2?.folder).toMatch(/^cells\/l2-50-seed-0-/);
    for (const file of [
      "spec.json",
      "metrics.jsonl",
      "answers.jsonl",
      "report.json",
      "adapter/adapter_model.safetensors",
    ])
      expect(existsSync(join(out, sft?.folder ?? "", file)), file).toBe(true);
    // The second cell did not evaluate the untrained model again, and says so.
    expect(JSON.parse(readFileSync(join(out, sft?.folder ?? "", "report.json"), "utf8"))).not.toHaveProperty(
      "before_reused",
    );
    expect(JSON.parse(readFileSync(join(out, l2?.folder ?? "", "report.json"), "utf8"))).toHaveProperty(
      "before_reused",
      true,
    );
    const answers = readFileSync(join(out, l2?.folder ?? "", "answers.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { when: string });
    expect(answers.map(({ when }) => when)).toEqual([
      ...Array<string>(5).fill("before"),
      ...Array<string>(5).fill("after"),
    ]);
    expect(readFileSync(join(out, "results.tex"), "utf8")).toContain("L2, 50 \\%");
    expect(readFileSync(join(out, "results.csv"), "utf8").split("\n")[0]).toContain("mcnemar_p");

    // Another seed: what is finished stays untouched.
    const time = statSync(join(out, sft?.folder ?? "", "report.json")).mtimeMs;
    const more = await basin(
      [
        "table",
        write(cwd, {
          ...tiny,
          axes: { method: { "Plain fine-tuning": "sft" }, seed: [0, 1] },
          baseline: "Plain fine-tuning",
        }),
        "--out",
        "out",
        "--format",
        "json",
      ],
      { cwd },
    );
    expect(more.stderr).toContain("2 cells, 1 finished, 0 failed, 1 to run");
    expect(statSync(join(out, sft?.folder ?? "", "report.json")).mtimeMs).toBe(time);
    expect((JSON.parse(more.stdout) as { rows: { seeds: string[] }[] }).rows[0]?.seeds).toEqual(["0", "1"]);
    const nothing = await basin(["table", "table.json", "--out", "out", "--no-run"], { cwd });
    expect(nothing.stderr).not.toContain("cell 1");
  });

  it("continues after a failed cell, records its reason, and retries it on request", async () => {
    const cwd = folder();
    const table = {
      ...tiny,
      axes: {
        start: [
          { label: "none", set: {} },
          { label: "lost", set: { "lora.init_adapter": "./nowhere" } },
        ],
        method: ["sft"],
      },
      baseline: undefined,
    };
    const { code, stderr } = await basin(["table", write(cwd, table), "--out", "out"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain("The queue continues");
    expect(account(join(cwd, "out")).map(({ state }) => state)).toEqual(["finished", "failed"]);
    const again = await basin(["table", "table.json", "--out", "out"], { cwd });
    expect(again.stderr).toContain("1 failed (--retry runs them again), 0 to run");
    const retried = await basin(["table", "table.json", "--out", "out", "--retry"], { cwd });
    expect(retried.stderr).toContain("cell 1 of 1");
    expect(account(join(cwd, "out"))[1]?.failure?.what).toContain("nowhere");
  });

  it("stops the running cell when interrupted twice, and resumes it next time", async () => {
    const cwd = folder();
    const long = {
      ...tiny,
      base: { ...tiny.base, train: { ...tiny.base.train, max_steps: 80 } },
      axes: { method: ["sft"], seed: [0, 1] },
      baseline: undefined,
    };
    let sent = 0;
    const interrupted = await basin(["table", write(cwd, long), "--out", "out"], {
      cwd,
      onStderr: (text, kill) => {
        if (sent === 0 && /^training \d/m.test(text)) sent = (kill("SIGINT"), 1);
        if (sent === 1 && text.includes("pausing after this cell")) sent = (kill("SIGINT"), 2);
      },
    });
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain("run the same command to continue");
    expect(account(join(cwd, "out")).map(({ state }) => state)).toEqual(["waiting", "waiting"]);
    const resumed = await basin(["table", "table.json", "--out", "out"], { cwd });
    expect(resumed.stderr).toContain("2 cells, 0 finished, 0 failed, 2 to run");
    expect(resumed.code).toBe(0);
    expect(readdirSync(join(cwd, "out", "cells")).length).toBe(2);
    const reports = account(join(cwd, "out")).map(
      ({ folder: cell }) =>
        JSON.parse(readFileSync(join(cwd, "out", cell ?? "", "report.json"), "utf8")) as {
          steps: number;
          resumed_at?: number[];
        },
    );
    expect(reports.map(({ steps }) => steps)).toEqual([80, 80]);
    expect(reports[0]?.resumed_at).toHaveLength(1);
    expect(reports[1]).not.toHaveProperty("resumed_at");
  });
});
