/** @file Matmuls on matrix hardware: 8×8 matrices of f32, multiplied by a subgroup at a time. */

import { subgroupMatrixFamilies } from "../kernels.ts";
import type { FastPath } from "./fastPath.ts";
import type { DenseKernel } from "./matmulKernel.ts";

/** Not in the types of WebGPU yet. */
export const SUBGROUP_MATRIX_FEATURE = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

/** In f32 and not in something shorter: the probe's tolerance tells them apart. */
const subgroupMatrices: FastPath = {
  name: "subgroup_matrices",
  description: "8x8 subgroup matrices in f32",
  offered: ({ features, info: { subgroupMaxSize: size = 0, subgroupMatrixConfigs = [] } }) =>
    features.has(SUBGROUP_MATRIX_FEATURE) &&
    size > 0 &&
    size % 4 === 0 &&
    size <= 64 &&
    [...subgroupMatrixConfigs].some(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === "f32" && resultComponentType === "f32" && M === 8 && N === 8 && K === 8,
    ),
};

/** Four tiles, three of them in part, and a last round with fewer than 16 of k. */
const PARTIAL_TILES = { m: 77, n: 84, k: 44 };

export const subgroupMatrixKernel: DenseKernel = {
  family: "dense",
  name: "subgroup_matrix",
  why: "64×64 tiles out of 8×8×8 matrices in f32: GPUs that offer them (an experimental feature of browsers)",
  rank: { fewTiles: 30, manyTiles: 10 },
  probe: {
    fastPath: subgroupMatrices,
    products: [
      { form: "nt", ...PARTIAL_TILES },
      { form: "nn", ...PARTIAL_TILES },
    ],
  },
  source: subgroupMatrixFamilies,
  entry: ({ form }) => `${form}SubgroupMatrix`,
  constants: ({ fastPaths }) => ({ SUBGROUP: fastPaths.subgroupSize }),
  tile: () => [64, 64],
};
