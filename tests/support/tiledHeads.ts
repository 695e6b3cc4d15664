/** @file Attention by tiles, the kernels of real GPUs, with the head sizes that models have. */

import { expect } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { type AttentionHeads, checkAttention } from "./attentionCheck.ts";
import { packedBounds } from "./reference.ts";

/** Of SmolLM2 and Llama 3.2 1B, Phi-2, Phi-3, Llama 3 and Qwen2, Gemma. */
export const HEAD_SIZES = [64, 80, 96, 128, 256] as const;

/** Two sequences, the second longer than a tile, and padding. */
const PACKED = packedBounds([5, 36], 2);

export interface TiledCase {
  readonly headDim: number;
  readonly softcap?: number;
}

const headsOf = ({ headDim, softcap }: TiledCase): AttentionHeads => ({ heads: 2, kvHeads: 1, headDim, softcap });

/** A packed batch: the forward pass, and every gradient where they are wanted. */
export async function checkTiled(gpu: Gpu, of: TiledCase, gradients: boolean): Promise<void> {
  const wanted = gradients ? (["q", "k", "v"] as const) : [];
  const { dispatches } = await checkAttention(gpu, { bounds: PACKED, heads: headsOf(of), wanted });
  const used = dispatches.map(({ family, entry }) => `${family.name} ${entry}`);
  const reverse = ["backward_keys_values", "backward_queries"].map((entry) => `attention_tiled_backward ${entry}`);
  expect(used).toEqual(expect.arrayContaining(["attention_tiled forward", ...(gradients ? reverse : [])]));
}

/** Few queries over a cache of more rows than a workgroup takes at a time. */
export async function checkDecode(gpu: Gpu, of: TiledCase): Promise<void> {
  const bounds = Uint32Array.of(0, 1, 0, 0, 3, 70, 0, 0, 20, 150, 0, 0);
  const { dispatches } = await checkAttention(gpu, { bounds, heads: headsOf(of), rows: 160 });
  expect(dispatches.map(({ family, entry }) => `${family.name} ${entry}`)).toEqual(["attention_tiled decode"]);
}
