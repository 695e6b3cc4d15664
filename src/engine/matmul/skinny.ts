/** @file What LoRA's kernels without subgroups share: one text, in which `slices` invocations share a block. */

import { loraFamily } from "../kernels.ts";
import type { LoraKernel } from "./matmulKernel.ts";

type Skinny = Pick<LoraKernel, "family" | "source" | "entry" | "constants" | "tile">;

/** @param threads invocations of a workgroup, for `down` and for `reduce` */
export function skinny(slices: number, threads: { readonly down: number; readonly reduce: number }): Skinny {
  return {
    family: "lora",
    source: loraFamily,
    entry: (entry) => entry,
    constants: { SLICES: slices, DOWN_THREADS: threads.down, REDUCE_THREADS: threads.reduce },
    tile: { down: threads.down / slices, reduce: threads.reduce / slices, rows: 4 },
  };
}
