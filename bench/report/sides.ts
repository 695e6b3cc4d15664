/**
 * @file Who is who in the tables: Basin, the libraries on WebGPU, and PyTorch, which is no peer but the yardstick of a
 * device.
 */

import type { ProductResult } from "../sections/matmul.ts";
import { productName } from "../workload/products.ts";

export interface Measured {
  readonly contender: string;
  readonly median: number;
}

export type Side = "basin" | "library" | "pytorch";

export function sideOf(contender: string): Side {
  if (contender.startsWith("basin")) return "basin";
  return contender.startsWith("pytorch") ? "pytorch" : "library";
}

/** PyTorch on a processor shows that its rows work; it says nothing of a GPU. */
export function onProcessor(contender: string): boolean {
  return sideOf(contender) === "pytorch" && contender.endsWith(" cpu");
}

const least = (timings: readonly Measured[]): number => Math.min(...timings.map(({ median }) => median));
const of = <T extends Measured>(timings: readonly T[], side: Side): T[] =>
  timings.filter(({ contender }) => sideOf(contender) === side);

/** ms of Basin's best; NaN where it has none. */
export function ownBest(timings: readonly Measured[]): number {
  const own = of(timings, "basin");
  return own.length > 0 ? least(own) : Number.NaN;
}

/** How many times faster Basin's best is than the other WebGPU libraries' best; NaN where one side is missing. */
export function lead(timings: readonly Measured[]): number {
  const others = of(timings, "library");
  return others.length > 0 ? least(others) / ownBest(timings) : Number.NaN;
}

/** The same against one contender by name. */
export function leadOver(timings: readonly Measured[], name: string): number {
  const other = timings.find(({ contender }) => contender === name);
  return other ? other.median / ownBest(timings) : Number.NaN;
}

/** PyTorch's contenders that ran on a GPU, in the order of the tables. */
export function pytorchNames(timings: readonly Measured[]): string[] {
  return [...new Set(of(timings, "pytorch").map(({ contender }) => contender))].filter((name) => !onProcessor(name));
}

export interface Peak {
  /** GFLOP/s of float32 arithmetic. */
  readonly gflops: number;
  /** Whose product it was, and which. */
  readonly from: string;
}

/** The best rate of a product in float32 by Basin or by PyTorch on the GPU; undefined where none was measured. */
export function measuredPeak(results: readonly ProductResult[]): Peak | undefined {
  const rates = results.flatMap((result) =>
    result.timings
      .filter(
        ({ contender, precision, error }) =>
          precision === "float32" && sideOf(contender) !== "library" && !onProcessor(contender) && error < 1e-4,
      )
      .map(({ contender, gflops }) => ({ gflops, from: `${contender}, ${productName(result)}` })),
  );
  return rates.reduce<Peak | undefined>((best, rate) => (best && best.gflops >= rate.gflops ? best : rate), undefined);
}
