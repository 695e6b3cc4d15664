/**
 * @file Matmuls whose rows are shared by subgroups of four, as SwiftShader has them. Attention builds on the same fast
 * path.
 */

import { loraSubgroupFamily, subgroupFamilies } from "../kernels.ts";
import type { FastPath } from "./fastPath.ts";
import type { DenseKernel, LoraKernel } from "./matmulKernel.ts";

/** Software adapters compute four invocations side by side in the lanes of one CPU register. */
export const subgroupsOfFour: FastPath = {
  name: "subgroups_of_four",
  description: "subgroups of four, which share registers",
  offered: ({ features, info }) =>
    features.has("subgroups") && info.subgroupMinSize === 4 && info.subgroupMaxSize === 4,
};

/** Rows from which a tile of 16 pays. */
const LEAST_ROWS = 8;

export const subgroupKernel: DenseKernel = {
  family: "dense",
  name: "subgroup",
  why: "16×8 outputs an invocation, rows shared by subgroups of four: SwiftShader",
  fits: ({ wide, k, m }) => wide && k % 4 === 0 && m >= LEAST_ROWS,
  rank: { software: 10 },
  // Rows end in the middle of a subgroup's sixteen, columns in the middle of an invocation's eight.
  probe: { fastPath: subgroupsOfFour, products: [{ form: "nt", m: 21, n: 44, k: 24 }] },
  source: subgroupFamilies,
  entry: () => "subgroupRows",
  constants: ({ form }) => ({ NN: form === "nn" }),
  tile: () => [128, 64],
};

export const loraSubgroupKernel: LoraKernel = {
  family: "lora",
  name: "subgroup",
  why: "16 rows by 8 ranks a subgroup of four, which shares what it loads: SwiftShader",
  fits: ({ wide }) => wide,
  rank: { software: 10 },
  probe: { fastPath: subgroupsOfFour, products: [] },
  source: loraSubgroupFamily,
  entry: (entry) => entry,
  constants: { DOWN_THREADS: 16, REDUCE_THREADS: 16 },
  tile: { down: 16, reduce: 16, rows: 16 },
};
