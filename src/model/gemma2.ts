/**
 * @file Gemma 2: scaled embeddings, norms by 1 + w before and after attention and MLP, GeGLU, capped scores and logits;
 * even layers have a sliding window.
 */

import type { DecoderConfig, Family } from "./config.ts";
import type { ConfigFields } from "./configFields.ts";
import { type FamilyFacts, layerWindows, llamaShaped } from "./llamaShaped.ts";

export const gemma2: Family = {
  modelType: "gemma2",
  parse: (fields) => {
    const windows = layerWindows(fields, fields.optionalCount("sliding_window", 4096), (layer) => layer % 2 === 0);
    return {
      ...gemmaShaped(fields, {
        family: "gemma2",
        windows,
        defaults: { kvHeads: 4, headDim: 256, tiedEmbeddings: true, maxPositions: 8192 },
      }),
      attentionSoftcap: fields.optional("attn_logit_softcapping", 50),
      logitSoftcap: fields.optional("final_logit_softcapping", 30),
    };
  },
};

/** What Gemma 2 and 3 share. */
export function gemmaShaped(fields: ConfigFields, facts: FamilyFacts): DecoderConfig {
  // hidden_act is in these files, too, but transformers reads hidden_activation.
  const config = llamaShaped(fields, {
    ...facts,
    activation: { field: "hidden_activation", value: "gelu_pytorch_tanh" },
  });
  return {
    ...config,
    attentionScale: 1 / Math.sqrt(fields.number("query_pre_attn_scalar", 256)),
    normAddsOne: true,
    sandwichNorms: true,
    embeddingScale: Math.sqrt(config.hiddenSize),
  };
}
