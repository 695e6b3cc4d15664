/**
 * @file Runs on devices with low limits: what grows with a setting is bound in ranges, and the numbers are the same but
 * for the order of sums over rows; what cannot be bound is refused by the plan, which says what would lower it.
 */

import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../../src/experiment/run/events.ts";
import type { SpecInput } from "../../../src/experiment/spec/spec.ts";
import { testGpu } from "../../support/gpu.ts";
import { underLimits } from "../../support/limits.ts";
import { type RecordedRun, recordRun } from "../../support/recordRun.ts";

/** 128 rows of the model's widest activation: the least that its products can be cut to. */
const LIMIT = 128 * 4 * 384;

/** Of a figure; sums over the rows of a range differ from sums over all rows in their last bits. */
const TOLERANCE = 1e-5;

const base: SpecInput = {
  data: { train: { source: "apothecary", n: 16 } },
  train: { max_steps: 2, per_device_train_batch_size: 8 },
  lora: { target_modules: "all-linear", r: 32 },
  eval: { harmful: { n: 12 }, task: { n: 4 }, benign: null, max_new_tokens: 6, batch_size: 16 },
};

/** Many rows, adapters of a high rank, many prompts at a time: each beyond the limit in one piece. */
const CASES: readonly (readonly [string, SpecInput])[] = [
  ["AsFT", { ...base, method: { name: "asft", lambda: 1 } }],
  ["Lisa", { ...base, method: { name: "lisa", safety_count: 8, alignment_steps: 1, user_steps: 1, proximal_from: 0 } }],
];

/** Of every step. */
function figures(events: readonly RunEvent[]): number[] {
  return events.flatMap((event) =>
    event.type === "step" ? [event.metrics.ce, event.metrics.penalty, event.metrics.grad_norm] : [],
  );
}

function finished({ result }: RecordedRun) {
  if (result.outcome === "failed") throw result.error;
  return result.report;
}

describe("a run on a device with low limits", () => {
  it.each(CASES)("keeps to them and gives the numbers of one without: %s", async (_name, spec) => {
    const gpu = await testGpu();
    const whole = await underLimits(gpu, {}, (device) => recordRun(spec, { gpu: device }));
    const limits = { maxBinding: 2 * LIMIT, maxBuffer: 16 * LIMIT };
    const cut = await underLimits(gpu, limits, (device) => recordRun(spec, { gpu: device }));
    expect(whole.binding).toBeGreaterThan(limits.maxBinding);
    expect(cut.binding).toBeLessThanOrEqual(limits.maxBinding);
    expect(cut.buffer).toBeLessThanOrEqual(limits.maxBuffer);
    const expected = figures(whole.result.events);
    figures(cut.result.events).forEach((figure, i) => {
      expect(Math.abs(figure - (expected[i] ?? Number.NaN))).toBeLessThanOrEqual(TOLERANCE * Math.abs(figure));
    });
    expect(finished(cut.result).before).toEqual(finished(whole.result).before);
  });

  it.each<[string, { maxBinding?: number; maxBuffer?: number }, RegExp]>([
    [
      "a tensor that attention binds whole",
      { maxBinding: LIMIT },
      /needs to bind .* at once, and this device allows 0.2 MiB/,
    ],
    ["a buffer", { maxBuffer: LIMIT }, /needs a buffer of .*, and this device allows 0.2 MiB/],
  ])("is refused before anything is allocated where %s is too large", async (_name, limits, message) => {
    const gpu = await testGpu();
    const train = { ...base.train, per_device_train_batch_size: 16 };
    const large: SpecInput = { ...base, method: { name: "sft" }, train };
    const { result, buffer } = await underLimits(gpu, limits, (device) => recordRun(large, { gpu: device }));
    const failed = result.events.find((event) => event.type === "failed");
    expect(failed?.failure.what).toMatch(message);
    expect(failed?.failure.fix).toMatch(/What would lower it: .*Batches of/);
    expect(buffer).toBe(0);
  });
});
