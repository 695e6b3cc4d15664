/** @file Matmuls in tiles through shared memory, for GPUs. One text, three tile settings. */

import { tileFamilies } from "../kernels.ts";
import type { DenseKernel, LoraKernel } from "./matmulKernel.ts";
import { skinny } from "./skinny.ts";

type Tiled = Pick<DenseKernel, "family" | "source" | "entry" | "constants" | "tile">;

/** TILE and SLICES of the tile kernel. */
function tiled(tile: 64 | 32, slices: 1 | 4): Tiled {
  return {
    family: "dense",
    source: tileFamilies,
    entry: ({ form }) => `${form}Tile`,
    constants: () => ({ TILE: tile, SLICES: slices }),
    tile: () => [tile, tile],
  };
}

export const sharedKernel: DenseKernel = {
  ...tiled(64, 1),
  name: "shared",
  why: "64×64 tiles in shared memory, 256 invocations: GPUs, large products",
  rank: { software: 30, fewRows: 40, fewTiles: 40, manyTiles: 20 },
};

export const portableKernel: DenseKernel = {
  ...tiled(32, 1),
  name: "portable",
  why: "32×32 tiles in shared memory, 64 invocations: GPUs, products with few tiles",
  rank: { fewRows: 20, fewTiles: 10, manyTiles: 30 },
};

export const splitKernel: DenseKernel = {
  ...tiled(32, 4),
  name: "split",
  why: "32×32 tiles with k in four slices of a workgroup: GPUs, few tiles and a long k",
  rank: { fewRows: 30, fewTiles: 20, manyTiles: 40 },
};

export const loraSharedKernel: LoraKernel = {
  ...skinny(64, { down: 64, reduce: 256 }),
  name: "shared",
  why: "64 invocations share a block through shared memory: GPUs",
  rank: { software: 30, gpu: 10 },
};
