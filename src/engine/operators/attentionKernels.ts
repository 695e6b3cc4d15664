/** @file The kernels of attention, in the order in which they are tried: the first that fits an operand computes it. */

import {
  attentionFamily,
  attentionPairsFamily,
  attentionSubgroupFamily,
  attentionTiledBackwardFamily,
  attentionTiledFamily,
} from "../kernels.ts";
import type { FastPaths } from "../matmul/fastPath.ts";
import { subgroupsOfFour } from "../matmul/subgroup.ts";

/** The passes of attention; `row_delta` makes the log-sum-exp and ∂o·o of each query and head. */
export type AttentionEntry = "forward" | "row_delta" | "backward_queries" | "backward_values" | "backward_keys_values";

export interface AttentionFacts {
  readonly entry: AttentionEntry;
  readonly queries: number;
  /** Rows of k and v: as many as queries, or those of a cache. */
  readonly keys: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** What an attention kernel may ask of the device. */
export interface AttentionDevice {
  readonly software: boolean;
  readonly fastPaths: FastPaths;
}

export interface AttentionKernel {
  readonly why: string;
  readonly source: typeof attentionFamily;
  readonly fits: (facts: AttentionFacts, device: AttentionDevice) => boolean;
  /** Name in the source; by default the pass. */
  readonly entry?: string;
  /** Number of workgroups. */
  readonly groups: (facts: AttentionFacts) => number;
}

/** Queries or keys that one workgroup takes. */
const TILE = 32;

/** Up to this many queries over a longer cache are decoded with a workgroup each. */
const DECODED_QUERIES = 256;

/** Passes over keys make a tile of keys of one key head, the others a tile of queries of one head. */
function tiles({ entry, queries, keys, heads, kvHeads }: AttentionFacts): number {
  const overKeys = entry === "backward_values" || entry === "backward_keys_values";
  return overKeys ? kvHeads * Math.ceil(keys / TILE) : heads * Math.ceil(queries / TILE);
}

const inQuadruples = ({ entry, headDim }: AttentionFacts): boolean => headDim % 4 === 0 && entry !== "row_delta";

/** An invocation per query and head for `row_delta`, a tile of them per workgroup otherwise. */
const rowGroups = (facts: AttentionFacts): number =>
  facts.entry === "row_delta" ? (facts.heads * facts.queries) / 64 : tiles(facts);

const KERNELS: readonly AttentionKernel[] = [
  {
    why: "a workgroup per query and head: few queries over a cache have hardly a key in common",
    source: attentionTiledFamily,
    fits: (facts, { software }) =>
      !software &&
      inQuadruples(facts) &&
      facts.entry === "forward" &&
      facts.keys > facts.queries &&
      facts.queries <= DECODED_QUERIES,
    entry: "decode",
    groups: ({ heads, queries }) => heads * queries,
  },
  {
    why: "tiles of keys and values through shared memory: GPUs",
    source: attentionTiledFamily,
    fits: (facts, { software }) => !software && inQuadruples(facts) && facts.entry === "forward",
    groups: tiles,
  },
  {
    why: "the same for the reverse pass",
    source: attentionTiledBackwardFamily,
    fits: (facts, { software }) => !software && inQuadruples(facts) && facts.entry !== "forward",
    groups: tiles,
  },
  {
    why: "four queries share what they load in a subgroup of four: SwiftShader, except over a cache",
    source: attentionSubgroupFamily,
    fits: (facts, { fastPaths }) =>
      fastPaths.passed.has(subgroupsOfFour.name) && inQuadruples(facts) && facts.queries === facts.keys,
    groups: tiles,
  },
  {
    why: "an invocation per row, no shared memory: software adapters",
    source: attentionFamily,
    fits: ({ headDim }) => headDim % 4 === 0,
    groups: rowGroups,
  },
  {
    why: "the same by pairs of channels: heads that are no multiple of 4",
    source: attentionPairsFamily,
    fits: () => true,
    groups: rowGroups,
  },
];

/** The kernel of one pass, as a dispatch takes it. */
export function attentionKernel(
  facts: AttentionFacts,
  device: AttentionDevice,
): { readonly family: typeof attentionFamily; readonly entry: string; readonly groups: number } {
  const kernel = KERNELS.find(({ fits }) => fits(facts, device));
  if (!kernel) throw new Error(`no attention kernel for heads of ${facts.headDim}`);
  return {
    family: kernel.source,
    entry: kernel.entry ?? facts.entry,
    groups: kernel.groups(facts),
  };
}
