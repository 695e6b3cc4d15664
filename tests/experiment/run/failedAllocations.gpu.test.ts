/**
 * @file A run on a device that finds no memory at its n-th allocation, for every n: it fails and says so, leaves
 * nothing on the device, and the next run finds all that it needs.
 */

import { describe, expect, it } from "vitest";
import { MemoryError } from "../../../src/base/error.ts";
import type { RunEvent } from "../../../src/experiment/run/events.ts";
import type { SpecInput } from "../../../src/experiment/spec/spec.ts";
import { withFailingAllocation } from "../../support/failingAllocation.ts";
import { testGpu } from "../../support/gpu.ts";
import { type RecordedRun, recordRun } from "../../support/recordRun.ts";

const small: SpecInput = {
  data: { train: { source: "apothecary", n: 4 } },
  train: { max_steps: 1, per_device_train_batch_size: 2 },
  lora: { target_modules: ["q_proj"], r: 2 },
  eval: { harmful: null, task: null, benign: null },
};

const CASES: readonly (readonly [string, SpecInput])[] = [
  [
    "AsFT along the direction, with evaluation",
    {
      ...small,
      method: { name: "asft", lambda: 1, projector: "flat" },
      eval: { harmful: { n: 2 }, task: null, benign: null, max_new_tokens: 2 },
    },
  ],
  ["AsFT as published", { ...small, method: { name: "asft", lambda: 1 } }],
  ["Lisa", { ...small, method: { name: "lisa", safety_count: 4 } }],
];

function losses(events: readonly RunEvent[]): number[] {
  return events.flatMap((event) => (event.type === "step" ? [event.metrics.loss] : []));
}

/** Whether the run failed for memory, or finished without a diagnostic and reports that this was for memory. */
function saysWhy({ result }: RecordedRun): boolean {
  if (result.outcome !== "failed") return JSON.stringify(result.report.method).includes("The device has no");
  const { error } = result;
  return error instanceof MemoryError || (error instanceof Error && error.cause instanceof MemoryError);
}

describe("a run whose n-th allocation finds no memory", () => {
  it.each(CASES)("says so, holds nothing afterwards and leaves the device usable: %s", async (_name, spec) => {
    const gpu = await testGpu();
    const before = gpu.memory.live;
    const whole = await withFailingAllocation(gpu, 0, () => recordRun(spec));
    expect(whole.result.result.outcome).toBe("finished");
    expect(gpu.memory.live).toBe(before);
    // Otherwise nobody would hear that there was no memory.
    expect(whole.unguarded).toEqual([]);
    for (let n = 1; n <= whole.count; n += 1) {
      const { result } = await withFailingAllocation(gpu, n, () => recordRun(spec));
      expect(saysWhy(result), `allocation ${n} of ${whole.count}`).toBe(true);
      expect(gpu.memory.live, `allocation ${n} of ${whole.count}`).toBe(before);
      gpu.check();
    }
    const again = await recordRun(spec);
    expect(losses(again.events)).toEqual(losses(whole.result.events));
  });
});
