/** @file Matmuls of few rows, as decoding has them: memory-bound, so k is spread over the workgroup. */

import { vectorFamilies } from "../kernels.ts";
import type { DenseFacts, DenseKernel } from "./matmulKernel.ts";

/** Rows of a workgroup, at most; with twice as many it may still win. */
export const VECTOR_ROWS = 8;

/** 1, 2, 4 or 8. */
function rowsOf({ m }: DenseFacts): number {
  return Math.min(VECTOR_ROWS, 2 ** Math.ceil(Math.log2(Math.max(1, m))));
}

export const vectorKernel: DenseKernel = {
  family: "dense",
  name: "vector",
  why: "up to eight rows, 64 invocations split k for 4 columns: GPUs, decoding",
  fits: ({ form, m }) => form === "nt" && m <= 2 * VECTOR_ROWS,
  rank: { fewRows: 10, fewTiles: 60 },
  source: vectorFamilies,
  entry: () => "ntVector",
  constants: (facts) => ({ ROWS: rowsOf(facts) }),
  tile: (facts) => [rowsOf(facts), 4],
};
