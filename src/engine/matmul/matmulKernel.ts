/**
 * @file What the engine knows of one matmul kernel. The router, the measurement, the start-up check, the device panel
 * and the documents all ask its record; a new kernel is one file here and one line in registry.ts.
 */

import type { Constants } from "../kernel.ts";
import type { MatmulFamilies, loraFamily } from "../kernels.ts";
import type { DenseForm } from "../routing/problem.ts";
import type { FastPath, FastPaths } from "./fastPath.ts";

/** Fields of every record. `Facts` describe a product, `Situation` the cases that the built-in order tells apart. */
export interface KernelRecord<Facts, Situation extends string> {
  /** As route tables store it and people read it. A dense kernel and its counterpart for LoRA share a name. */
  readonly name: string;
  /** How it works and what it is good for, one line for the device panel and the documents. */
  readonly why: string;
  /** Which products it can make, their rows rounded up to a power of two; left out: all. */
  readonly fits?: (facts: Facts) => boolean;
  /** Place in the built-in order of each situation, smallest first; not a candidate where it has none. */
  readonly rank: Readonly<Partial<Record<Situation, number>>>;
  /** Of a kernel that builds on an optional feature: used only where the device has passed the check. */
  readonly probe?: Probe;
}

export interface Probe {
  readonly fastPath: FastPath;
  /** Products that this kernel has to get right on the device first; none: the fast path's other kernels are enough. */
  readonly products: readonly ProbeProduct[];
}

/** f32 operands; sides should be multiples of no tile. */
export interface ProbeProduct {
  readonly form: DenseForm;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** A product with a frozen weight, y[m,n] = Σ_k x[m,k] W[n,k] (nt) or W[k,n] (nn). */
export interface DenseFacts extends ProbeProduct {
  readonly quantised: boolean;
  /** Operands can be read as vec4. */
  readonly wide: boolean;
  readonly software: boolean;
  readonly fastPaths: FastPaths;
}

/** `fewRows`: decoding. `fewTiles`: too few tiles of 64×64 to fill a GPU. */
export type DenseSituation = "software" | "fewRows" | "fewTiles" | "manyTiles";

export interface DenseKernel extends KernelRecord<DenseFacts, DenseSituation> {
  readonly family: "dense";
  /** Texts by how the weight is read. */
  readonly source: MatmulFamilies;
  readonly entry: (facts: DenseFacts) => string;
  readonly constants: (facts: DenseFacts) => Constants;
  /** Rows and columns of y that a workgroup makes. */
  readonly tile: (facts: DenseFacts) => readonly [rows: number, columns: number];
}

/** A skinny product of LoRA: one side is the rank. */
export interface LoraFacts {
  /** The long side can be read as vec4. */
  readonly wide: boolean;
  readonly software: boolean;
  readonly fastPaths: FastPaths;
}

export type LoraSituation = "software" | "gpu";

/** `down` makes [T, r], `reduce` adds to a factor's gradient. */
export type LoraEntry = "down" | "reduce";

export interface LoraKernel extends KernelRecord<LoraFacts, LoraSituation> {
  readonly family: "lora";
  readonly source: typeof loraFamily;
  readonly entry: (entry: LoraEntry) => string;
  readonly constants: Constants;
  /** A block is 4 rows (`reduce`: columns) by 8 ranks. */
  readonly tile: {
    /** Blocks of a workgroup. */
    readonly down: number;
    readonly reduce: number;
    /** `down` works on whole groups of this many rows. */
    readonly rows: number;
  };
}

export type MatmulKernel = DenseKernel | LoraKernel;
