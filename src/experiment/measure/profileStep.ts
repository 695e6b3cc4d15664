/**
 * @file Where the time of one training step goes on this device: a model of random weights, profiled dispatch by
 * dispatch, and the same step timed as a whole, to see what the profile leaves out.
 */

import { median } from "simple-statistics";
import type { Gpu } from "../../engine/device.ts";
import { type Profile, summarise } from "../../engine/profile.ts";
import type { Quantization } from "../run/quantization.ts";
import type { BenchSize } from "./benchModels.ts";
import { type RigSide, createRig, sideOf } from "./rig.ts";
import { type Spread, spreadOf } from "./spread.ts";

export interface StepProfile {
  readonly size: string;
  readonly method: RigSide;
  readonly tokens: number;
  readonly parameters: number;
  /** ms of a whole step without timestamps, its scalars read back, as in training. */
  readonly step: Spread;
  readonly profile: Profile;
}

export interface ProfileOptions {
  readonly method?: RigSide;
  readonly quantization?: Quantization | null;
  /** Steps of each kind; the medians count. */
  readonly repetitions?: number;
}

/**
 * Takes a model's memory and some seconds; leaves nothing behind.
 * @throws BasinError when the device has no timestamp queries (see engine/profile.ts, `canProfile`) or too little
 * memory
 */
export async function profileStep(
  gpu: Gpu,
  size: BenchSize,
  { method = "sft", quantization = null, repetitions = 5 }: ProfileOptions = {},
): Promise<StepProfile> {
  const rig = await createRig(gpu, size, [method], quantization);
  try {
    const { trainer } = sideOf(rig, method);
    await trainer.step([rig.batch], 0); // warm up
    const times: number[] = [];
    const profiles: number[][] = [];
    // In turns, so that a machine that slows down slows both.
    for (let i = 0; i < repetitions; i += 1) {
      const started = performance.now();
      await trainer.step([rig.batch], 0);
      times.push(performance.now() - started);
      profiles.push(await trainer.timeDispatches(rig.batch));
    }
    const { dispatches } = trainer;
    const profile = summarise(
      dispatches,
      dispatches.map((_, index) => median(profiles.map((run) => run[index] ?? 0))),
    );
    return {
      size: size.name,
      method,
      tokens: rig.batch.realTokens,
      parameters: rig.parameters,
      step: spreadOf(times),
      profile,
    };
  } finally {
    rig.destroy();
  }
}
