/** @file Matmuls in registers alone: no shared memory, no barrier, no feature. */

import { registerFamilies } from "../kernels.ts";
import type { DenseFacts, DenseKernel, LoraKernel } from "./matmulKernel.ts";
import { skinny } from "./skinny.ts";

/** A single row (generation) takes a flat tile: three quarters of a 4×4 one would repeat that row. */
const isFlat = ({ m }: DenseFacts): boolean => m === 1;

export const registerKernel: DenseKernel = {
  family: "dense",
  name: "register",
  why:
    "4×4 outputs an invocation (1×4 for a single row), no shared memory: fits anything, " +
    "the default on software adapters",
  rank: { software: 20, fewRows: 50, fewTiles: 50, manyTiles: 50 },
  source: registerFamilies,
  entry: ({ form }) => `${form}Register`,
  constants: (facts) => ({ ROWS: isFlat(facts) ? 1 : 4 }),
  tile: (facts) => (isFlat(facts) ? [1, 256] : [32, 32]),
};

export const loraRegisterKernel: LoraKernel = {
  ...skinny(1, { down: 16, reduce: 16 }),
  name: "register",
  why: "4×8 outputs an invocation, no shared memory: fits anything, the default on software adapters",
  rank: { software: 20, gpu: 20 },
};
