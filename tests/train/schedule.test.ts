/** @file Schedules against transformers' get_scheduler and torch's StepLR, worked out by hand. */

import { describe, expect, it } from "vitest";
import { type Schedule, learningRate } from "../../src/train/schedule.ts";

const schedule = (change: Partial<Schedule>): Schedule => ({
  learning_rate: 1,
  lr_scheduler_type: "constant",
  lr_gamma: 0.85,
  warmup_steps: 0,
  ...change,
});

describe("learningRate", () => {
  it("warms up linearly from 0", () => {
    expect([0, 1, 2, 3, 4].map((step) => learningRate(schedule({ warmup_steps: 4 }), step, 10, 0))).toEqual([
      0, 0.25, 0.5, 0.75, 1,
    ]);
  });

  it("falls linearly and along a cosine to 0 at the end", () => {
    const linear = schedule({ lr_scheduler_type: "linear", warmup_steps: 2 });
    expect([2, 6, 10].map((step) => learningRate(linear, step, 10, 0))).toEqual([1, 0.5, 0]);
    const cosine = schedule({ lr_scheduler_type: "cosine" });
    expect(learningRate(cosine, 5, 10, 0)).toBeCloseTo(0.5, 12);
    expect(learningRate(cosine, 10, 10, 0)).toBeCloseTo(0, 12);
  });

  it("is multiplied by lr_gamma after each epoch", () => {
    expect(learningRate(schedule({ lr_scheduler_type: "step_per_epoch" }), 99, 100, 2)).toBeCloseTo(0.7225, 12);
  });
});
