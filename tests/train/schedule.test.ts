/** @file Schedules against transformers' get_scheduler and torch's StepLR, worked out by hand; and the sampler's filters. */

import { describe, expect, it } from "vitest";
import { Sampler } from "../../src/generate/sampling.ts";
import { bucketCapacities, capacityFor } from "../../src/train/program.ts";
import { type Schedule, learningRate } from "../../src/train/schedule.ts";

const schedule = (change: Partial<Schedule>): Schedule => ({ learning_rate: 1, lr_scheduler_type: "constant", lr_gamma: 0.85, warmup_steps: 0, ...change });

describe("learningRate", () => {
  it("warms up linearly from 0", () => {
    expect([0, 1, 2, 3, 4].map((step) => learningRate(schedule({ warmup_steps: 4 }), step, 10, 0))).toEqual([0, 0.25, 0.5, 0.75, 1]);
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

describe("batch shapes", () => {
  it("are few, and every batch fits one", () => {
    const sizes = Array.from({ length: 100 }, (_, index) => ({ tokens: 100 + ((index * 37) % 150), labels: 10 + (index % 13) }));
    const capacities = bucketCapacities(sizes);
    expect(capacities.length).toBeLessThanOrEqual(8);
    for (const size of sizes) {
      const capacity = capacityFor(capacities, size);
      expect(capacity.tokens).toBeGreaterThanOrEqual(size.tokens);
      expect(capacity.tokens - size.tokens).toBeLessThan(40);
      expect(capacity.labels).toBeGreaterThanOrEqual(size.labels);
    }
  });
});

describe("Sampler", () => {
  const logits = Float32Array.of(0, Math.log(2), Math.log(4), Math.log(1));
  const draws = (change: Partial<ConstructorParameters<typeof Sampler>[0]>): number[] => {
    const sampler = new Sampler({ temperature: 1, top_k: 0, top_p: 1, seed: 1, ...change }, 0);
    return Array.from({ length: 4000 }, () => sampler.next(logits));
  };
  const share = (tokens: readonly number[], token: number): number => tokens.filter((each) => each === token).length / tokens.length;

  it("draws with the softmax's probabilities", () => {
    const tokens = draws({});
    expect(share(tokens, 2)).toBeCloseTo(0.5, 1);
    expect(share(tokens, 1)).toBeCloseTo(0.25, 1);
  });

  it("keeps the k most likely, or the fewest that reach p", () => {
    expect(new Set(draws({ top_k: 2 }))).toEqual(new Set([1, 2]));
    expect(new Set(draws({ top_p: 0.4 }))).toEqual(new Set([2]));
    expect(new Set(draws({ top_p: 0.6 }))).toEqual(new Set([1, 2]));
  });
});
