/**
 * @file What to lower: proposals are plans of their own, in order of cost, and together where none suffices alone. No
 * device.
 */

import { describe, expect, it } from "vitest";
import { EMPTY_EVALUATION } from "../../../src/eval/evaluationPlan.ts";
import { UNKNOWN_DEVICE, gibibytes, memoryBudget } from "../../../src/experiment/plan/deviceMemory.ts";
import { Replanner, proposals, withChanges } from "../../../src/experiment/plan/proposals.ts";
import { planRun } from "../../../src/experiment/plan/runPlan.ts";
import { type SpecInput, resolveSpec } from "../../../src/experiment/spec/spec.ts";
import shapes from "../../../scripts/modelShapes.json" with { type: "json" };
import { shapesOnly } from "../../support/shapesOnly.ts";

const GIB = 2 ** 30;
const model = shapesOnly("SmolLM2-135M", shapes["SmolLM2-135M"]);
const input_ids = Array.from({ length: 256 }, (_, t) => t);
const rows = Array.from({ length: 16 }, () => ({ input_ids, labels: input_ids }));

function planned(train: SpecInput["train"], rest: SpecInput = {}) {
  const spec = resolveSpec({
    method: { name: "sft" },
    eval: { harmful: null, task: null, benign: null },
    ...rest,
    train: { max_steps: 2, ...train },
  });
  const situation = { device: UNKNOWN_DEVICE, evaluation: EMPTY_EVALUATION };
  const plan = planRun(spec, model, rows, situation);
  return { spec, plan, found: plan.fits ? [] : proposals(plan, new Replanner(spec, model, rows, situation)) };
}

describe("proposals", () => {
  it("are none for a run that fits, and recomputing comes first and by itself where the spec leaves it open", () => {
    expect(planned({}).plan).toMatchObject({ fits: true, checkpointing: { on: false } });
    expect(planned({ memory_budget_gb: 1 }).plan).toMatchObject({ fits: true, checkpointing: { on: true } });
    const { found } = planned({ memory_budget_gb: 1, gradient_checkpointing: false });
    expect(found[0]).toMatchObject({
      label: "Turn on activation checkpointing",
      changes: { "train.gradient_checkpointing": true },
      fits: true,
    });
  });

  it("hold: a spec changed as one says takes what it says", () => {
    const { spec, plan, found } = planned(
      { memory_budget_gb: 0.4 },
      { lora: { target_modules: "all-linear", r: 64 }, data: { max_length: 256 } },
    );
    expect(plan.fits).toBe(false);
    expect(found.length).toBeGreaterThanOrEqual(4);
    for (const { changes, total, fits, label } of found) {
      const changed = withChanges(spec, changes);
      const examples = rows.map(() => ({
        input_ids: input_ids.slice(0, changed.data.max_length),
        labels: input_ids.slice(0, changed.data.max_length),
      }));
      const again = planRun(resolveSpec(JSON.parse(JSON.stringify(changed))), model, examples, {
        device: UNKNOWN_DEVICE,
        evaluation: EMPTY_EVALUATION,
      });
      expect(again.memory.total, label).toBe(total);
      expect(again.fits, label).toBe(fits);
      expect(total, label).toBeLessThan(plan.memory.total);
    }
    // Those that suffice come first.
    expect(found.map(({ fits }) => fits)).toEqual(
      [...found.map(({ fits }) => fits)].sort((a, b) => Number(b) - Number(a)),
    );
  });

  it("keep the rows of an optimiser step when they make batches smaller", () => {
    const { found } = planned({
      memory_budget_gb: 0.6,
      gradient_checkpointing: false,
      per_device_train_batch_size: 8,
      gradient_accumulation_steps: 2,
    });
    const batch = found.find(({ label }) => label.startsWith("Batches"));
    const size = Number(batch?.changes["train.per_device_train_batch_size"]);
    expect(size * Number(batch?.changes["train.gradient_accumulation_steps"])).toBe(16);
  });

  it("are added up where none suffices alone", () => {
    const { found, plan } = planned({ memory_budget_gb: 0.24 });
    expect(plan.fits).toBe(false);
    expect(found[0]?.fits).toBe(true);
    expect(Object.keys(found[0]?.changes ?? {})).toContain("model.quantization");
    expect(Object.keys(found[0]?.changes ?? {}).length).toBeGreaterThan(2);
    expect(found.slice(1).every(({ fits }) => !fits)).toBe(true);
  });

  it("cannot help a model that does not fit by itself", () => {
    const { found } = planned({ memory_budget_gb: 0.05 });
    expect(found.every(({ fits }) => !fits)).toBe(true);
  });

  it("mind the largest buffer too", () => {
    const spec = resolveSpec({
      method: { name: "sft" },
      eval: { harmful: null, task: null, benign: null },
      train: { max_steps: 2, per_device_train_batch_size: 16, gradient_checkpointing: true },
    });
    const situation = { device: { ...UNKNOWN_DEVICE, maxBuffer: 20 * 2 ** 20 }, evaluation: EMPTY_EVALUATION };
    const plan = planRun(spec, model, rows, situation);
    expect(plan.memory.total).toBeLessThan(plan.budget.bytes);
    expect(plan.fits).toBe(false);
    expect(
      proposals(plan, new Replanner(spec, model, rows, situation)).some(
        ({ fits, label }) => fits && label.startsWith("Batches"),
      ),
    ).toBe(true);
  });
});

describe("memoryBudget", () => {
  const spec = (memory_budget_gb: number | null) => ({ train: { memory_budget_gb } });
  it("is the spec's, else a share of the machine's memory on a software adapter, else an assumption", () => {
    expect(memoryBudget(spec(2), UNKNOWN_DEVICE)).toEqual({ bytes: 2 * GIB, source: "spec" });
    expect(memoryBudget(spec(null), { ...UNKNOWN_DEVICE, software: true, systemMemory: 16 * GIB })).toEqual({
      bytes: 12 * GIB,
      source: "system",
    });
    expect(memoryBudget(spec(null), { ...UNKNOWN_DEVICE, systemMemory: 16 * GIB })).toEqual({
      bytes: 6 * GIB,
      source: "default",
    });
    expect(memoryBudget(spec(null), { ...UNKNOWN_DEVICE, software: true })).toEqual({
      bytes: 6 * GIB,
      source: "default",
    });
  });
  it("is written in the unit that fits", () => {
    expect([gibibytes(1.5 * GIB), gibibytes(20 * GIB), gibibytes(300 * 2 ** 20), gibibytes(2.5 * 2 ** 20)]).toEqual([
      "1.50 GiB",
      "20.0 GiB",
      "300 MiB",
      "2.5 MiB",
    ]);
  });
});
