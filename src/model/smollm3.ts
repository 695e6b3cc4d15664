/**
 * @file SmolLM3: Llama's shape, and every fourth layer (or those that `no_rope_layers` marks with a 0) has no rotary
 * embedding.
 */

import { describeValue } from "../base/describe.ts";
import type { Family } from "./config.ts";
import type { ConfigFields } from "./configFields.ts";
import { layerWindows, llamaShaped } from "./llamaShaped.ts";
import { ropeConfig } from "./rope.ts";

export const smollm3: Family = {
  modelType: "smollm3",
  parse: (fields) => {
    const rotated = ropeLayers(fields);
    // Where the switch is off but layer_types names sliding layers, transformers' attention backends disagree: refused.
    const window = fields.boolean("use_sliding_window", false)
      ? fields.optionalCount("sliding_window", undefined)
      : undefined;
    return llamaShaped(fields, {
      family: "smollm3",
      windows: layerWindows(fields, window, (layer) => window !== undefined && !rotated[layer]),
      ropes: [ropeConfig(fields, 2e6)],
      ropeOfLayer: rotated.map((yes) => (yes ? 0 : undefined)),
      defaults: { kvHeads: 4, tiedEmbeddings: true, maxPositions: 32768 },
    });
  },
};

/** Which layers have a rotary embedding. */
function ropeLayers(fields: ConfigFields): boolean[] {
  const layers = fields.layers();
  const listed = fields.list("no_rope_layers", layers);
  if (!listed) {
    const interval = fields.count("no_rope_layer_interval", 4);
    return Array.from({ length: layers }, (_, layer) => (layer + 1) % interval !== 0);
  }
  return listed.map((value) => {
    if (value !== 0 && value !== 1)
      fields.fail("no_rope_layers", `must be a list of 0 and 1, not ${describeValue(value)}`);
    return value === 1;
  });
}
