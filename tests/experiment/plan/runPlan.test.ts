/** @file Steps of a run as transformers counts them. */

import { describe, expect, it } from "vitest";
import { plannedSteps, totalSteps } from "../../../src/experiment/plan/runPlan.ts";
import { type SpecInput, resolveSpec } from "../../../src/experiment/spec/spec.ts";

function total(rows: number, train: SpecInput["train"]): number {
  return totalSteps(resolveSpec({ train }), rows);
}

describe("totalSteps", () => {
  it("counts short last batches and short last accumulations", () => {
    expect(total(1000, { num_train_epochs: 10 })).toBe(1250);
    expect(total(1001, { num_train_epochs: 1 })).toBe(126);
    expect(total(33, { num_train_epochs: 1, per_device_train_batch_size: 8, gradient_accumulation_steps: 2 })).toBe(3);
    expect(total(33, { num_train_epochs: 1.5, per_device_train_batch_size: 8, gradient_accumulation_steps: 2 })).toBe(
      5,
    );
  });
  it("prefers max_steps", () => {
    expect(total(8, { num_train_epochs: 1, max_steps: 7 })).toBe(7);
  });
});

describe("plannedSteps", () => {
  it("uses every row once an epoch, in another order each epoch, and ends with the last step", () => {
    const spec = resolveSpec({ train: { num_train_epochs: 2.5, per_device_train_batch_size: 4 } });
    const steps = [...plannedSteps(spec, 10)];
    expect(steps).toHaveLength(8);
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(steps.map(({ epoch }) => epoch)).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
    const rows = (epoch: number): number[] =>
      steps.filter((step) => step.epoch === epoch).flatMap(({ microBatches }) => microBatches.flat());
    expect([...rows(0)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(rows(0)).not.toEqual(rows(1));
    const ordered = [
      ...plannedSteps(
        resolveSpec({ data: { shuffle: false }, train: { num_train_epochs: 1, per_device_train_batch_size: 4 } }),
        10,
      ),
    ];
    expect(ordered.flatMap(({ microBatches }) => microBatches.flat())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
