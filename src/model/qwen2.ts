/** @file Qwen2 and Qwen2.5: Llama's shape with a bias on q, k and v. */

import { type Family, llamaShaped } from "./config.ts";

export const qwen2: Family = {
  modelType: "qwen2",
  parse: (fields) => {
    fields.require("use_sliding_window", [false]);
    const layerTypes = fields.get("layer_types");
    if (Array.isArray(layerTypes) && layerTypes.some((type) => type !== "full_attention")) {
      fields.fail("layer_types", "layers with sliding attention are not supported");
    }
    return { ...llamaShaped(fields, "qwen2"), qkvBias: true };
  },
};
