/**
 * @file One whole LoRA step by every contender in turn, on identical numbers; its losses are compared with a 64-bit
 * reference.
 */

import type { Contender, OtherWork, StepRunnable } from "../contenders/contender.ts";
import { type Protocol, type Timing, interleave } from "../measure/interleave.ts";
import { type StepShape, stepFlops, stepWork } from "../workload/loraStep.ts";
import { referenceLoss } from "../workload/referenceLoss.ts";
import { type OnFailure, type Opened, openAll, reason } from "./trial.ts";

export interface StepTiming extends Timing {
  readonly contender: string;
  readonly precision: "float32" | "bf16";
  /** It did other work; rate and error are that work's. */
  readonly other?: OtherWork;
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

interface Checked extends Opened<StepRunnable> {
  readonly firstLoss: number;
  readonly thirdLoss: number;
}

export async function measureStep(
  contenders: readonly Contender[],
  shape: StepShape,
  protocol: Protocol,
  onFailure: OnFailure,
): Promise<StepResult> {
  const work = stepWork(shape);
  const reference = referenceLoss(work);
  const open = await openAll<StepRunnable>(
    contenders,
    (contender) => contender.step(work),
    onFailure,
    protocol.patienceMs,
  );
  try {
    const checked: Checked[] = [];
    for (const one of open) {
      try {
        const firstLoss = await one.runnable.loss();
        await one.runnable.run();
        await one.runnable.run();
        checked.push({ ...one, firstLoss, thirdLoss: await one.runnable.loss() });
      } catch (error) {
        onFailure(one.contender.name, reason(error), "failed");
      }
    }
    const timings = await interleave(
      checked.map(({ runnable }) => runnable),
      protocol,
    );
    const flops = stepFlops(shape);
    return {
      shape,
      flops,
      reference,
      timings: checked.flatMap(({ contender, runnable: { other }, cold, firstLoss, thirdLoss }, index) => {
        const timing = timings[index];
        if (!timing) return [];
        const is = {
          contender: contender.name,
          precision: contender.precision ?? ("float32" as const),
          ...(other ? { other } : {}),
        };
        const work = other ?? { flops, reference };
        return [
          {
            ...is,
            ...timing,
            cold,
            gflops: work.flops / timing.median / 1e6,
            firstLoss,
            thirdLoss,
            lossError: (firstLoss - work.reference) / work.reference,
          },
        ];
      }),
    };
  } finally {
    for (const { runnable } of open) runnable.destroy();
  }
}
