/** @file Measured routes as rows for people: `basin doctor`, `basin tune` and the lab's device panel show them. */

import { type MatmulForm, isDense } from "../../engine/routing/problem.ts";
import type { Route, RouteTable } from "../../engine/routing/router.ts";

export interface RouteRow {
  /** "output 256×576×576" */
  readonly product: string;
  /** Of the frozen weight; none for the products of LoRA's factors. */
  readonly dtype: string;
  readonly kernel: string;
  readonly ms: number;
  readonly gflops: number;
  /** The other kernels that were timed, fastest first. */
  readonly others: readonly { readonly kernel: string; readonly ms: number }[];
}

const NAMES: Readonly<Record<MatmulForm, string>> = {
  nt: "output",
  nn: "input gradient",
  down: "LoRA down",
  hidden: "LoRA hidden gradient",
  gradientA: "gradient of A",
  gradientB: "gradient of B",
};

/** Most work first. */
export function routeRows(table: RouteTable): RouteRow[] {
  const work = ({ problem: { m, n, k } }: Route): number => m * n * k;
  return Object.values(table)
    .sort((a, b) => work(b) - work(a))
    .flatMap((route) => {
      const { problem, kernel } = route;
      const timed = Object.entries(route.ms).flatMap(([name, ms]) => (ms === undefined ? [] : [{ kernel: name, ms }]));
      const chosen = timed.find((time) => time.kernel === kernel);
      if (!chosen) return [];
      const others = timed.filter((time) => time !== chosen).sort((a, b) => a.ms - b.ms);
      return [
        {
          product: `${NAMES[problem.form]} ${problem.m}×${problem.n}×${problem.k}`,
          dtype: isDense(problem.form) ? problem.dtype : "",
          kernel,
          ms: chosen.ms,
          gflops: (2 * work(route)) / chosen.ms / 1e6,
          others,
        },
      ];
    });
}
