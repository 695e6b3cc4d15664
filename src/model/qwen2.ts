/** @file Qwen2 and Qwen2.5: Llama's shape with a bias on q, k and v; layers from `max_window_layers` on may slide. */

import type { Family } from "./config.ts";
import type { ConfigFields } from "./configFields.ts";
import { layerWindows, llamaShaped } from "./llamaShaped.ts";

export const qwen2: Family = {
  modelType: "qwen2",
  parse: (fields) => ({
    ...llamaShaped(fields, {
      family: "qwen2",
      windows: qwenWindows(fields),
      defaults: { kvHeads: 32, maxPositions: 32768 },
    }),
    qkvBias: true,
  }),
};

/**
 * `use_sliding_window` switches the window on; without `layer_types`, the first `max_window_layers` layers have full
 * attention.
 */
export function qwenWindows(fields: ConfigFields): (number | undefined)[] {
  const window = fields.boolean("use_sliding_window", false) ? fields.optionalCount("sliding_window", 4096) : undefined;
  const full = fields.whole("max_window_layers", 28);
  return layerWindows(fields, window, (layer) => window !== undefined && layer >= full);
}
