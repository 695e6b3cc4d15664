/**
 * @file How shaders read small weights element by element (common/stored.wgsl). f16 as matmuls read it: by
 * unpack2x16float only where the device was found to convert every value exactly, else by integer operations.
 */

import type { Constants } from "../kernel.ts";
import type { FastPaths } from "../matmul/fastPath.ts";
import type { Tensor } from "../tensor.ts";

/** The constants FORMAT, 0 f32, 1 bf16, 2 f16, and UNPACK. @throws Error for types that only matmuls read */
export function weightFormat({ name, dtype }: Tensor, { f16Loading }: FastPaths): Constants {
  switch (dtype) {
    case "f32":
      return { FORMAT: 0 };
    case "bf16":
      return { FORMAT: 1 };
    case "f16":
      return f16Loading === "unpack" ? { FORMAT: 2, UNPACK: true } : { FORMAT: 2 };
    default:
      throw new Error(`${name} is stored as ${dtype}, which only matmuls read`);
  }
}
