/** @file A matmul kernel that a test adds to the registry: one file, one line. */

import { registerFamilies } from "../../src/engine/kernels.ts";
import type { DenseKernel } from "../../src/engine/matmul/matmulKernel.ts";

/** The first choice everywhere, on any device. */
export const flatKernel: DenseKernel = {
  family: "dense",
  name: "flat",
  why: "a row of 256 outputs a workgroup: tests",
  rank: { software: 1, fewRows: 1, fewTiles: 1, manyTiles: 1 },
  probe: {
    fastPath: { name: "flat_rows", description: "flat rows, which every device has", offered: () => true },
    products: [
      { form: "nt", m: 3, n: 20, k: 8 },
      { form: "nn", m: 3, n: 20, k: 8 },
    ],
  },
  source: registerFamilies,
  entry: ({ form }) => `${form}Register`,
  constants: () => ({ ROWS: 1 }),
  tile: () => [1, 256],
};
