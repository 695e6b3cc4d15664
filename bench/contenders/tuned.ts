/**
 * @file Basin's kernels as a run has them: on a GPU the matmuls of the work are measured before it begins and each
 * uses its fastest kernel (engine/routing). A software adapter uses the built-in choices, as it does in a run.
 */

import type { Gpu } from "../../src/engine/device.ts";
import { measureRoutes } from "../../src/engine/routing/measure.ts";

/** Of all products of a piece of work; a run takes less at first and measures the rest when the device is idle. */
const BUDGET_MS = 10_000;

/** Opens the work; where products were met that nobody has measured, measures them and opens it again. */
export async function openTuned<T extends { destroy(): void }>(
  gpu: Gpu,
  open: () => Promise<T>,
  wanted = !gpu.adapter.software,
): Promise<T> {
  const first = await open();
  if (!wanted || gpu.router.pending.length === 0) return first;
  first.destroy();
  await measureRoutes(gpu, { budgetMs: BUDGET_MS });
  return open();
}
