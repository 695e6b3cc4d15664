/** @file Before and after a method edits the trained adapter: no NaN or infinity goes in, and none comes out. */

import { BasinError } from "../../base/error.ts";
import type { AdapterModule } from "../../weights/adapterFile.ts";
import { scanFinite } from "../../weights/dtypes.ts";

/**
 * @param owner "the trained adapter"
 * @throws BasinError that names the module, the matrix and the element which is NaN or infinite, with this `fix`
 */
export function checkFinite(modules: readonly AdapterModule[], owner: string, fix: string): void {
  for (const { path, A, B } of modules) {
    for (const [matrix, values] of [
      ["A", A],
      ["B", B],
    ] as const) {
      const at = scanFinite(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), "F32");
      if (at < 0) continue;
      throw new BasinError({
        what: `Element ${at} of lora_${matrix} is ${values[at]}`,
        where: `${owner}, ${path}`,
        fix,
      });
    }
  }
}
