/**
 * @file Phi-3 with 4k of context (and Phi-4): Llama's shape with q, k and v from one matrix (`qkv_proj`), gate and up
 * from another (`gate_up_proj`), and perhaps a sliding window on every layer. The long-context models' rotary embedding
 * (`longrope`) is refused.
 */

import type { Family } from "./config.ts";
import { llamaShaped, uniformWindows } from "./llamaShaped.ts";

export const phi3: Family = {
  modelType: "phi3",
  parse: (fields) => ({
    ...llamaShaped(fields, {
      family: "phi3",
      windows: uniformWindows(fields, fields.optionalCount("sliding_window", undefined)),
      defaults: { rmsNormEps: 1e-5, maxPositions: 4096 },
    }),
    fusedProjections: true,
  }),
};
