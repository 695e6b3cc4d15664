/** @file The command line under Deno, on wgpu: what it computes is what Node computes on Dawn. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, describe, expect, it } from "vitest";
import type { RunReport, StepMetrics } from "../../src/experiment/run/events.ts";
import { DENO_OPTIONS, denoEnvironment, denoProgram } from "../support/deno/deno.ts";
import { basin, folder } from "./support.ts";

const spec = {
  data: { train: { source: "apothecary", n: 20 } },
  method: { name: "asft", lambda: 0.5 },
  lora: { r: 4, lora_dropout: 0.1 },
  train: { learning_rate: 1e-3, max_steps: 5, per_device_train_batch_size: 4 },
  eval: { harmful: { n: 2 }, task: { n: 2 }, benign: null, max_new_tokens: 8 },
};
const noEval = { harmful: null, task: null, benign: null };

/** How `basin` is run by Deno. */
async function deno(context: TestContext) {
  const runtime: [string, ...string[]] = [denoProgram(context), ...DENO_OPTIONS];
  return { runtime, env: { ...(await denoEnvironment()), BASIN_QUIET: "1" } };
}

function steps(out: string): StepMetrics[] {
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as StepMetrics);
}

function report(out: string): RunReport {
  return JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as RunReport;
}

describe("under Deno", () => {
  it("doctor passes its checks, and reads f16 by the device where Node does", async (context) => {
    const options = await deno(context);
    const [here, there] = (await Promise.all([basin(["doctor", "--json"]), basin(["doctor", "--json"], options)])).map(
      ({ stdout }) =>
        JSON.parse(stdout) as { driver: string; checks: { ok: boolean }[]; fast_paths: string[]; features: string[] },
    );
    expect(there?.driver).toMatch(/^Deno\//);
    expect(there?.checks.map(({ ok }) => ok)).toEqual(here?.checks.map(() => true));
    if (there?.features.includes("shader-f16")) expect(there.fast_paths).toContain("f16 weights read by the type f16");
  });

  it("AsFT on the bundled pair gives Node's adapter and answers", async (context) => {
    const options = await deno(context);
    const cwd = folder();
    writeFileSync(join(cwd, "spec.json"), JSON.stringify(spec));
    const node = await basin(["run", "spec.json", "--out", "node"], { cwd });
    const other = await basin(["run", "spec.json", "--out", "deno"], { ...options, cwd });
    expect([node.code, other.code], other.stderr).toEqual([0, 0]);
    const adapter = (out: string): string =>
      readFileSync(join(cwd, out, "adapter", "adapter_model.safetensors"), "base64");
    const [here, there] = [steps(join(cwd, "node")), steps(join(cwd, "deno"))];
    expect(there).toHaveLength(here.length);
    here.forEach(({ ce, grad_norm }, index) => {
      expect(there[index]?.ce).toBeCloseTo(ce, 4);
      expect((there[index]?.grad_norm ?? 0) / grad_norm).toBeCloseTo(1, 3);
    });
    // Another compiler may contract what it multiplies and adds; on this driver neither of the two does.
    const drivers = ["node", "deno"].map((out) => /llvmpipe/.exec(report(join(cwd, out)).device)?.[0]);
    if (drivers.every((driver) => driver === "llvmpipe")) expect(adapter("deno")).toBe(adapter("node"));
  });

  it("stops after the current step when interrupted, and saves", async (context) => {
    const options = await deno(context);
    const cwd = folder();
    const long = { ...spec, method: { name: "sft" }, train: { ...spec.train, max_steps: 4000 }, eval: noEval };
    writeFileSync(join(cwd, "spec.json"), JSON.stringify(long));
    let sent = false;
    const { code, stderr } = await basin(["run", "spec.json", "--out", "out"], {
      ...options,
      cwd,
      onStderr: (text, kill) => {
        if (sent || !/^training \d/m.test(text)) return;
        sent = true;
        kill("SIGINT");
      },
    });
    expect(code, stderr).toBe(0);
    expect(report(join(cwd, "out")).outcome).toBe("stopped");
  });
});
