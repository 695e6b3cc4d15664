/** @file Llama 2 and 3.x (and SmolLM2, which is a Llama by configuration). */

import type { Family } from "./config.ts";
import { llamaShaped, uniformWindows } from "./llamaShaped.ts";

export const llama: Family = {
  modelType: "llama",
  parse: (fields) => {
    fields.require("sliding_window", []);
    return llamaShaped(fields, { family: "llama", windows: uniformWindows(fields, undefined) });
  },
};
