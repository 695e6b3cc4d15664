/**
 * @file The memory that a plan states is what a run allocates, to within 5 %: whole runs of the bundled pair, with the
 * bytes of all device buffers counted.
 */

import { describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { RunEvent } from "../../../src/experiment/run/events.ts";
import { runExperiment } from "../../../src/experiment/run/runner.ts";
import { type SpecInput, resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { testGpu } from "../../support/gpu.ts";

const data = { train: { source: "apothecary" as const, n: 32 } };
const train = { max_steps: 2 };
const none = { harmful: null, task: null, benign: null };
const few = { harmful: { n: 11 }, task: { n: 5 }, benign: null, max_new_tokens: 4, batch_size: 5 };

const CASES: readonly (readonly [string, SpecInput])[] = [
  ["SFT", { data, train, method: { name: "sft" }, eval: none }],
  ["AsFT", { data, train, method: { name: "asft" }, eval: none }],
  [
    "AsFT on all modules, accumulation, padding",
    {
      data: { ...data, packing: false },
      train: { ...train, per_device_train_batch_size: 4, gradient_accumulation_steps: 4 },
      method: { name: "asft" },
      lora: { target_modules: "all-linear" },
      eval: none,
    },
  ],
  [
    "SFT with layers recomputed",
    { data, train: { ...train, gradient_checkpointing: true }, method: { name: "sft" }, eval: none },
  ],
  ["AsFT with evaluation in several batches", { data, train, method: { name: "asft" }, eval: few }],
  ["AsFT on weights of 4 bits", { model: { quantization: "nf4" }, data, train, method: { name: "asft" }, eval: none }],
  [
    "SFT with evaluation and layers recomputed",
    { data, train: { ...train, gradient_checkpointing: true }, method: { name: "sft" }, eval: few },
  ],
];

async function run(input: SpecInput) {
  const events: RunEvent[] = [];
  const gpu = await testGpu();
  const result = await runExperiment({
    runId: "memory",
    spec: resolveSpec(input),
    gpu,
    environment: nodeEnvironment(),
    outputs: { onEvent: (event) => void events.push(event) },
  });
  return { result, events, gpu };
}

describe("a plan's memory", () => {
  it.each(CASES)("%s", async (_name, input) => {
    const { result, gpu } = await run(input);
    if (result.outcome === "failed") throw result.error;
    const { planned, peak, checkpointing } = result.report.memory;
    expect(Math.abs(planned.total - peak) / peak, `planned ${planned.total}, peak ${peak}`).toBeLessThanOrEqual(0.05);
    expect(checkpointing.on).toBe(input.train?.gradient_checkpointing === true);
    // Everything is given back.
    expect(gpu.memory.live).toBe(0);
  });

  it("decides on recomputing layers by the budget, and the run then stays within it", async () => {
    const kept = await run({ data, train, method: { name: "sft" }, eval: none });
    if (kept.result.outcome === "failed") throw kept.result.error;
    const { peak } = kept.result.report.memory;
    const budget = 0.8 * peak;
    const { result, events } = await run({
      data,
      train: { ...train, memory_budget_gb: budget / 2 ** 30 },
      method: { name: "sft" },
      eval: none,
    });
    if (result.outcome === "failed") throw result.error;
    expect(result.report.memory.checkpointing).toMatchObject({
      on: true,
      reason: expect.stringContaining("otherwise the run would need") as string,
    });
    expect(result.report.memory.peak).toBeLessThanOrEqual(1.05 * budget);
    // The same numbers: what is computed again is the same bit for bit.
    const losses = (from: readonly RunEvent[]): unknown[] =>
      from.flatMap((event) => (event.type === "step" ? [{ ...event.metrics, ms: 0 }] : []));
    expect(losses(events)).toEqual(losses(kept.events));
  });

  it("refuses what cannot fit before anything is loaded, and says what would lower it", async () => {
    const { result, events, gpu } = await run({
      data,
      train: { ...train, memory_budget_gb: 0.004 },
      method: { name: "sft" },
      eval: none,
    });
    expect(result.outcome).toBe("failed");
    const plan = events.find((event) => event.type === "plan");
    if (plan?.type !== "plan") throw new Error("no plan");
    expect(plan.verdict).toMatchObject({ fits: false, checkpointing: { on: true }, obstacle: { certain: true } });
    const failure = events.find((event) => event.type === "failed");
    expect(failure).toMatchObject({
      failure: {
        what: expect.stringMatching(/needs 5\.\d MiB .* may take 4\.1 MiB \(train\.memory_budget_gb\)/) as string,
        fix: expect.stringMatching(/Batches of \d, \d accumulated: \d\.\d MiB/) as string,
      },
    });
    expect(gpu.memory.peak - gpu.memory.live).toBeLessThan(1024);
  });
});
