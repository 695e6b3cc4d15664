/** @file Steps are recorded ahead and sent only when the one before is known. */

import { describe, expect, it } from "vitest";
import { batchSize } from "../../src/batch/packBatch.ts";
import type { LabelledBatch } from "../../src/batch/batch.ts";
import { bucketCapacities } from "../../src/train/capacities.ts";
import { type ScheduledStep, StepRunner } from "../../src/train/stepRunner.ts";
import type { PreparedStep, StepResult } from "../../src/train/trainer.ts";

const examples = [3, 4, 5].map((length) => ({
  input_ids: Array<number>(length).fill(1),
  labels: Array<number>(length).fill(1),
}));
const result: StepResult = { ce: 1, penalty: 0, loss: 1, grad_norm: 1, modulePenalties: new Float32Array() };

/**
 * Three steps of one row each, recognised by their number of labels, on a device that answers when `answer` is called.
 * @param spoilt the row whose batch cannot be recorded
 */
function start(spoilt = -1) {
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  const commands: GPUCommandBuffer = { label: "", __brand: "GPUCommandBuffer" };
  const rowOf = ([batch]: readonly LabelledBatch[]): number => (batch?.realTokens ?? 0) - 3;
  const trainer = {
    prepare: (batches: readonly LabelledBatch[]): PreparedStep => {
      log.push(`record ${rowOf(batches)}`);
      if (rowOf(batches) === spoilt) throw new Error("spoilt");
      return { commands, labels: rowOf(batches), microBatches: 1 };
    },
    take: async ({ labels }: PreparedStep): Promise<StepResult> => {
      log.push(`send ${labels}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return result;
    },
  };
  const steps = examples.map((_, step): ScheduledStep => ({ step, epoch: 0, microBatches: [[step]] })).values();
  const runner = new StepRunner({
    trainer,
    examples,
    steps,
    totalSteps: 3,
    schedule: { learning_rate: 1e-3, lr_scheduler_type: "constant", lr_gamma: 1, warmup_steps: 0 },
    packing: true,
    capacities: bucketCapacities(examples.map((row) => batchSize([row], true))),
  });
  const answer = (): void => waiting.shift()?.();
  return { runner, log, answer };
}

describe("a run's steps", () => {
  it("are recorded while the one before is computed, and sent when its loss is known", async () => {
    const { runner, log, answer } = start();
    for (let step = 0; step < 3; step++) {
      expect(runner.next?.step).toBe(step);
      const taken = runner.take();
      expect(log).toEqual(
        ["record 0", "send 0", "record 1", "send 1", "record 2", "send 2"].slice(0, Math.min(6, 2 * step + 3)),
      );
      answer();
      expect(await taken).toMatchObject({ result, tokens: 3 + step });
    }
    expect(runner.next).toBeNull();
    await expect(runner.take()).rejects.toThrow("all steps were taken");
  });

  it("fail in their own turn when they cannot be recorded", async () => {
    const { runner, log, answer } = start(1);
    const taken = runner.take();
    answer();
    expect((await taken).result).toBe(result);
    expect(runner.next?.step).toBe(1);
    await expect(runner.take()).rejects.toThrow("spoilt");
    expect(log).toEqual(["record 0", "send 0", "record 1"]);
  });
});
