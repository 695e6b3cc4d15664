/**
 * @file Basin's training alone: what AsFT's penalty adds to a step, and what packing examples end to end saves.
 *
 * Both sides of each comparison take turns, in an order that alternates.
 */

import type { Gpu } from "../../src/engine/device.ts";
import { BLOCKS_135M, type BenchSize, GPU_SIZES, SOFTWARE_SIZES } from "../../src/experiment/measure/benchModels.ts";
import { type RigRows, type RigSide, createRig, sideOf } from "../../src/experiment/measure/rig.ts";
import { type Spread, spreadOf } from "../../src/experiment/measure/spread.ts";
import { openTuned } from "../contenders/tuned.ts";
import { ALPACA_LENGTHS } from "../workload/alpacaLengths.ts";

export interface OverheadResult {
  readonly size: string;
  readonly tokens: number;
  readonly sft: Spread;
  readonly asft: Spread;
  /** Floating-point operations of the penalty, value and gradient, and of the step without it. */
  readonly penaltyFlops: number;
  readonly stepFlops: number;
}

/** A LoRA step with and without the penalty, at block dimensions of SmolLM2-135M. */
export async function measureOverhead(gpu: Gpu, repetitions: number): Promise<OverheadResult> {
  const rig = await openTuned(gpu, () => createRig(gpu, BLOCKS_135M, ["sft", "asft"]));
  try {
    const step = (side: RigSide) => () => sideOf(rig, side).trainer.step([rig.batch], 0);
    const [sft, asft] = await alternate([step("sft"), step("asft")], repetitions);
    const flops = (side: RigSide): number =>
      sideOf(rig, side).trainer.dispatches.reduce((sum, dispatch) => sum + dispatch.flops, 0);
    return {
      size: BLOCKS_135M.name,
      tokens: rig.batch.realTokens,
      sft,
      asft,
      stepFlops: flops("sft"),
      penaltyFlops: flops("asft") - flops("sft"),
    };
  } finally {
    rig.destroy();
  }
}

export interface PackingResult {
  readonly size: string;
  readonly batches: number;
  readonly rows: number;
  /** Of the examples, without padding. */
  readonly tokens: number;
  readonly paddedTokens: number;
  readonly packedTokens: number;
  /** ms of all batches. */
  readonly padded: Spread;
  readonly packed: Spread;
}

const ROWS = 8;

/** Batches of 8 rows of Alpaca's lengths, packed and padded to their longest. */
export async function measurePacking(gpu: Gpu, repetitions: number): Promise<PackingResult> {
  const size: BenchSize = (gpu.adapter.software ? SOFTWARE_SIZES[0] : GPU_SIZES[GPU_SIZES.length - 1]) ?? BLOCKS_135M;
  // On a processor a few batches must do.
  const batches = gpu.adapter.software ? 4 : 16;
  const lengths = Array.from({ length: batches }, (_, batch) => ALPACA_LENGTHS.slice(batch * ROWS, (batch + 1) * ROWS));
  const rows = (packing: boolean): RigRows => ({
    packing,
    batches: lengths.map((batch) => batch.map(([prompt, all]) => ({ prompt, all }))),
  });
  const packed = await openTuned(gpu, () => createRig(gpu, size, ["sft"], null, rows(true)));
  const padded = await openTuned(gpu, () => createRig(gpu, size, ["sft"], null, rows(false)));
  try {
    const epoch = (rig: typeof packed) => async () => {
      for (const batch of rig.batches) await sideOf(rig, "sft").trainer.step([batch], 0);
    };
    const [packedMs, paddedMs] = await alternate([epoch(packed), epoch(padded)], repetitions);
    const total = (rig: typeof packed): number => rig.batches.reduce((sum, { tokens }) => sum + tokens, 0);
    const tokens = packed.batches.reduce((sum, { realTokens }) => sum + realTokens, 0);
    return {
      size: size.name,
      batches,
      rows: ROWS,
      tokens,
      paddedTokens: total(padded),
      packedTokens: total(packed),
      packed: packedMs,
      padded: paddedMs,
    };
  } finally {
    packed.destroy();
    padded.destroy();
  }
}

async function alternate(
  works: readonly [() => Promise<unknown>, () => Promise<unknown>],
  repetitions: number,
): Promise<[Spread, Spread]> {
  const times: [number[], number[]] = [[], []];
  for (const work of works) await work();
  for (let round = 0; round < repetitions; round += 1) {
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const started = performance.now();
      await works[side]();
      times[side].push(performance.now() - started);
    }
  }
  return [spreadOf(times[0]), spreadOf(times[1])];
}
