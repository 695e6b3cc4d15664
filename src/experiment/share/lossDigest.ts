/**
 * @file A run's losses in a few bytes: enough to see whether another run has the same ones, and how far off it is.
 *
 *     bits      CRC-32 of cross-entropy and penalty of every step, as 64-bit floats: equal only if all bits are
 *     sample    the cross-entropy of at most eight steps, spread evenly from the first to the last, to six digits
 */
import type { StepMetrics } from "../run/events.ts";
import { crc32 } from "./packedJson.ts";

export interface LossDigest {
  readonly steps: number;
  readonly bits: number;
  readonly sample: readonly number[];
}

const SAMPLED = 8;

type Losses = Pick<StepMetrics, "ce" | "penalty">;

export function lossDigest(steps: readonly Losses[]): LossDigest {
  const view = new DataView(new ArrayBuffer(16 * steps.length));
  steps.forEach(({ ce, penalty }, i) => {
    view.setFloat64(16 * i, ce, true);
    view.setFloat64(16 * i + 8, penalty, true);
  });
  return {
    steps: steps.length,
    bits: crc32(new Uint8Array(view.buffer)),
    sample: sampledSteps(steps.length).map((at) => Number((steps[at]?.ce ?? 0).toPrecision(6))),
  };
}

/** Indices of the steps whose loss is carried. */
export function sampledSteps(steps: number): number[] {
  if (steps <= SAMPLED) return Array.from({ length: steps }, (_, i) => i);
  return Array.from({ length: SAMPLED }, (_, i) => Math.round((i * (steps - 1)) / (SAMPLED - 1)));
}
