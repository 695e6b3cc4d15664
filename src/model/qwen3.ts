/** @file Qwen3: Llama's shape with a norm on each head of queries and keys, and a head size of its own. */

import type { Family } from "./config.ts";
import { llamaShaped } from "./llamaShaped.ts";
import { qwenWindows } from "./qwen2.ts";

export const qwen3: Family = {
  modelType: "qwen3",
  parse: (fields) => ({
    ...llamaShaped(fields, {
      family: "qwen3",
      windows: qwenWindows(fields),
      defaults: { kvHeads: 32, headDim: 128, maxPositions: 32768 },
    }),
    qkNorm: true,
  }),
};
