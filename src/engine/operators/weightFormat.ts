/** @file How small weights are stored, as shaders with a `FORMAT` constant want to know it: 0 f32, 1 bf16, 2 f16. */

import type { Tensor } from "../tensor.ts";

export function weightFormat(weight: Tensor): number {
  switch (weight.dtype) {
    case "f32":
      return 0;
    case "bf16":
      return 1;
    case "f16":
      return 2;
    default:
      throw new Error(`${weight.name} is stored as ${weight.dtype}, which only products read`);
  }
}
