/** @file Llama 2 and 3.x (and SmolLM2, which is a Llama by configuration). */

import { type Family, llamaShaped } from "./config.ts";

export const llama: Family = {
  modelType: "llama",
  parse: (fields) => {
    fields.require("attention_bias", [false]);
    fields.require("mlp_bias", [false]);
    return llamaShaped(fields, "llama");
  },
};
