/**
 * @file Gemma 3, the text-only models: Gemma 2's shape with norms on the heads instead of capped scores, and two rotary
 * embeddings: one for sliding layers (`rope_local_base_freq`), one for full attention, every sixth layer.
 */

import type { Family } from "./config.ts";
import type { ConfigFields } from "./configFields.ts";
import { gemmaShaped } from "./gemma2.ts";
import { layerWindows } from "./llamaShaped.ts";
import { type RopeConfig, ropeOf } from "./rope.ts";

const GLOBAL_THETA = 1e6;
const LOCAL_THETA = 1e4;

export const gemma3Text: Family = {
  modelType: "gemma3_text",
  parse: (fields) => {
    // transformers 5 reads this field and then does not apply it.
    fields.require("attn_logit_softcapping", []);
    const pattern = fields.count("sliding_window_pattern", 6);
    const windows = layerWindows(
      fields,
      fields.optionalCount("sliding_window", 4096),
      (layer) => (layer + 1) % pattern !== 0,
    );
    return {
      ...gemmaShaped(fields, {
        family: "gemma3_text",
        windows,
        ropes: gemma3Ropes(fields),
        ropeOfLayer: windows.map((window) => (window === undefined ? 0 : 1)),
        defaults: { kvHeads: 4, headDim: 256, tiedEmbeddings: true, maxPositions: 131072 },
      }),
      qkNorm: true,
      logitSoftcap: fields.optional("final_logit_softcapping", undefined),
    };
  },
};

/** Those of full and of sliding layers. `rope_scaling` of the hub's spelling is for the full layers. */
function gemma3Ropes(fields: ConfigFields): readonly [RopeConfig, RopeConfig] {
  fields.require("partial_rotary_factor", [1]);
  const theta = fields.number("rope_theta", GLOBAL_THETA);
  const localTheta = fields.number("rope_local_base_freq", LOCAL_THETA);
  const parameters = fields.object("rope_parameters");
  if (parameters?.get("rope_type") !== undefined || parameters?.get("rope_theta") !== undefined) {
    parameters.fail("rope_parameters", `must say it for "full_attention" and "sliding_attention" each`);
  }
  const full = fields.object("rope_scaling") ?? parameters?.object("full_attention");
  const sliding = parameters?.object("sliding_attention");
  return [
    full ? ropeOf(full, theta) : { theta, scaling: undefined },
    sliding ? ropeOf(sliding, localTheta) : { theta: localTheta, scaling: undefined },
  ];
}
