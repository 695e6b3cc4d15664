/**
 * @file Mistral 7B: Llama's shape, and every layer has a sliding window (4096 where config.json names none; null for
 * none, as from v0.2 on).
 */

import type { Family } from "./config.ts";
import { llamaShaped, uniformWindows } from "./llamaShaped.ts";

export const mistral: Family = {
  modelType: "mistral",
  parse: (fields) =>
    llamaShaped(fields, {
      family: "mistral",
      windows: uniformWindows(fields, fields.optionalCount("sliding_window", 4096)),
      defaults: { kvHeads: 8, maxPositions: 131072 },
    }),
};
