/** @file One whole LoRA step by every contender in turn, on identical numbers; its losses are compared with a 64-bit reference. */

import type { Contender, StepRunnable } from "../contenders/contender.ts";
import { type Protocol, type Timing, interleave } from "../measure/interleave.ts";
import { type StepShape, stepFlops, stepWork } from "../workload/loraStep.ts";
import { referenceLoss } from "../workload/referenceLoss.ts";

export interface StepTiming extends Timing {
  readonly contender: string;
  readonly gflops: number;
  /** Of the first step, from the given adapters. */
  readonly firstLoss: number;
  /** (firstLoss − reference) / reference */
  readonly lossError: number;
  /** Of the third step: what two updates made of it. Everybody's must be the same. */
  readonly thirdLoss: number;
}

export interface StepResult {
  readonly shape: StepShape;
  /** Of one step. */
  readonly flops: number;
  /** The first step's loss in 64-bit arithmetic. */
  readonly reference: number;
  readonly timings: readonly StepTiming[];
}

export async function measureStep(contenders: readonly Contender[], shape: StepShape, protocol: Protocol): Promise<StepResult> {
  const work = stepWork(shape);
  const reference = referenceLoss(work);
  const open: { readonly contender: string; readonly runnable: StepRunnable; readonly cold: number; readonly firstLoss: number; readonly thirdLoss: number }[] = [];
  try {
    for (const contender of contenders) {
      const runnable = await contender.step(work);
      if (!runnable) continue;
      const started = performance.now();
      await runnable.run();
      await runnable.settle();
      const cold = performance.now() - started;
      const firstLoss = await runnable.loss();
      await runnable.run();
      await runnable.run();
      const thirdLoss = await runnable.loss();
      open.push({ contender: contender.name, runnable, cold, firstLoss, thirdLoss });
    }
    const timings = await interleave(open.map(({ runnable }) => runnable), protocol);
    const flops = stepFlops(shape);
    return {
      shape, flops, reference,
      timings: open.flatMap(({ contender, cold, firstLoss, thirdLoss }, index) => {
        const timing = timings[index];
        return timing ? [{ contender, ...timing, cold, gflops: flops / timing.median / 1e6, firstLoss, thirdLoss, lossError: (firstLoss - reference) / reference }] : [];
      }),
    };
  } finally {
    for (const { runnable } of open) runnable.destroy();
  }
}
