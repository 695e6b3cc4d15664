/** @file Steps are recorded ahead and sent only when the one before is known. */

import { describe, expect, it } from "vitest";
import { StepTaker } from "../../../src/experiment/run/optimiserStep.ts";
import type { PlannedStep } from "../../../src/experiment/plan/runPlan.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { batchSize, type PackedBatch } from "../../../src/text/batches.ts";
import { bucketCapacities } from "../../../src/train/capacities.ts";
import type { PreparedStep, StepResult } from "../../../src/train/trainer.ts";

const examples = [3, 4, 5].map((length) => ({
  input_ids: Array<number>(length).fill(1),
  labels: Array<number>(length).fill(1),
}));
const result: StepResult = { ce: 1, penalty: 0, loss: 1, grad_norm: 1, modulePenalties: new Float32Array() };

/**
 * Three steps of one row each, known by what they carry as labels; a device that answers when it is told to. `spoilt`:
 * a row whose batch cannot be recorded.
 */
function start(spoilt = -1) {
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  const commands: GPUCommandBuffer = { label: "", __brand: "GPUCommandBuffer" };
  const rowOf = ([batch]: readonly PackedBatch[]): number => (batch?.realTokens ?? 0) - 3;
  const trainer = {
    prepare: (batches: readonly PackedBatch[]): PreparedStep => {
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
  const steps = examples
    .map((_, step): PlannedStep => ({ step, epoch: 0, stream: "user", microBatches: [[step]] }))
    .values();
  const taker = new StepTaker({
    spec: resolveSpec({}),
    plan: { capacities: bucketCapacities(examples.map((row) => batchSize([row], true))) },
    trainer,
    examples,
    steps,
    total: 3,
  });
  const answer = (): void => waiting.shift()?.();
  return { taker, log, answer };
}

describe("a run's steps", () => {
  it("are recorded while the one before is computed, and sent when its loss is known", async () => {
    const { taker, log, answer } = start();
    for (let step = 0; step < 3; step++) {
      expect(taker.next?.step).toBe(step);
      const taken = taker.take();
      expect(log).toEqual(
        ["record 0", "send 0", "record 1", "send 1", "record 2", "send 2"].slice(0, Math.min(6, 2 * step + 3)),
      );
      answer();
      expect(await taken).toMatchObject({ result, tokens: 3 + step });
    }
    expect(taker.next).toBeNull();
    await expect(taker.take()).rejects.toThrow("all steps were taken");
  });

  it("fail in their own turn when they cannot be recorded", async () => {
    const { taker, log, answer } = start(1);
    const taken = taker.take();
    answer();
    expect((await taken).result).toBe(result);
    expect(taker.next?.step).toBe(1);
    await expect(taker.take()).rejects.toThrow("spoilt");
    expect(log).toEqual(["record 0", "send 0", "record 1"]);
  });
});
