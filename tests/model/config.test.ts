/** @file Configurations: both spellings are read, and what cannot be computed rightly is refused by name. */

import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules, weightSpecs } from "../../src/model/layout.ts";
import { KNOWN_MODELS } from "./knownModels.ts";

const llama = {
  model_type: "llama",
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  hidden_act: "silu",
  tie_word_embeddings: false,
};
const scaling = {
  rope_type: "llama3",
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 128,
};

function base(name: string): Readonly<Record<string, unknown>> {
  return name === "llama" ? llama : (KNOWN_MODELS.find((each) => each.name.endsWith(name))?.config ?? {});
}

/** What is not computed, by family: the change to a good configuration and what the refusal names. */
const REFUSED: readonly (readonly [name: string, change: Readonly<Record<string, unknown>>, message: RegExp])[] = [
  // Families.
  ["llama", { model_type: "gpt2" }, /"gpt2".*model_type.*llama, qwen2/s],
  ["llama", { model_type: undefined }, /null.*model_type/s],
  ["llama", { model_type: "mixtral" }, /"mixtral"/],
  ["llama", { model_type: "qwen3_moe" }, /"qwen3_moe"/],
  ["gemma-3-1b-it", { model_type: "gemma3" }, /"gemma3".*gemma3_text/s],
  // Another shape of computation.
  ["llama", { hidden_act: "gelu" }, /hidden_act: "gelu"/],
  ["Qwen3-0.6B", { hidden_act: "gelu_pytorch_tanh" }, /hidden_act/],
  ["gemma-2-2b-it", { hidden_activation: "gelu" }, /hidden_activation: "gelu"/],
  ["gemma-3-1b-it", { hidden_activation: "silu" }, /hidden_activation/],
  ["llama", { attention_bias: true }, /attention_bias/],
  ["Qwen3-0.6B", { attention_bias: true }, /attention_bias/],
  ["gemma-2-2b-it", { attention_bias: true }, /attention_bias/],
  ["SmolLM3-3B", { attention_bias: true }, /attention_bias/],
  ["llama", { mlp_bias: true }, /mlp_bias/],
  ["SmolLM3-3B", { mlp_bias: true }, /mlp_bias/],
  ["llama", { num_local_experts: 8 }, /num_local_experts/],
  ["Qwen3-0.6B", { num_experts: 128 }, /num_experts/],
  ["gemma-3-1b-it", { use_bidirectional_attention: true }, /use_bidirectional_attention/],
  ["gemma-2-2b-it", { use_bidirectional_attention: true }, /use_bidirectional_attention/],
  ["gemma-3-1b-it", { attn_logit_softcapping: 50 }, /attn_logit_softcapping/],
  ["Phi-3-mini-4k-instruct", { resid_pdrop: 0.1 }, /resid_pdrop/],
  ["Phi-3-mini-4k-instruct", { embd_pdrop: 0.1 }, /embd_pdrop/],
  ["llama", { attention_dropout: 0.1 }, /attention_dropout/],
  ["llama", { quantization_config: { bits: 4 } }, /quantization_config/],
  ["Phi-3-mini-4k-instruct", { quantization_config: { quant_method: "awq" } }, /quantization_config/],
  // Positions.
  ["llama", { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
  ["Phi-3-mini-4k-instruct", { partial_rotary_factor: 0.75 }, /partial_rotary_factor/],
  [
    "Phi-3-mini-4k-instruct",
    {
      rope_parameters: { rope_theta: 10000, rope_type: "default", partial_rotary_factor: 0.75 },
      rope_scaling: undefined,
    },
    /partial_rotary_factor/,
  ],
  ["llama", { rope_scaling: { rope_type: "yarn", factor: 2 } }, /rope_type: "yarn"/],
  ["llama", { rope_scaling: { type: "dynamic", factor: 2 } }, /rope_type: "dynamic"/],
  ["llama", { rope_scaling: { type: "linear", factor: 2 } }, /rope_type: "linear"/],
  [
    "Qwen2.5-0.5B-Instruct",
    { rope_scaling: { type: "yarn", factor: 4, original_max_position_embeddings: 32768 } },
    /rope_type: "yarn"/,
  ],
  [
    "Phi-3-mini-4k-instruct",
    { rope_scaling: { type: "longrope", short_factor: [1], long_factor: [1] } },
    /rope_type: "longrope"/,
  ],
  ["gemma-3-1b-it", { rope_scaling: { rope_type: "linear", factor: 8 } }, /rope_type: "linear"/],
  [
    "gemma-3-1b-it",
    { rope_parameters: { sliding_attention: { rope_type: "yarn" } } },
    /rope_type: "yarn".*sliding_attention/s,
  ],
  [
    "gemma-3-1b-it",
    { rope_parameters: { rope_type: "default", rope_theta: 10000 } },
    /rope_parameters.*"full_attention"/s,
  ],
  ["Llama-3.2-1B", { rope_scaling: { rope_type: "llama3", factor: 32 } }, /low_freq_factor/],
  ["SmolLM3-3B", { no_rope_layers: [1, 0] }, /no_rope_layers.*36/s],
  ["SmolLM3-3B", { no_rope_layers: Array.from({ length: 36 }, () => 2) }, /no_rope_layers/],
  // Windows.
  ["llama", { sliding_window: 4096 }, /sliding_window/],
  ["llama", { layer_types: ["full_attention", "sliding_attention"] }, /layer_types/],
  [
    "Qwen2.5-0.5B-Instruct",
    { layer_types: Array.from({ length: 24 }, () => "sliding_attention") },
    /layer_types.*no sliding_window/s,
  ],
  [
    "Qwen3-0.6B",
    { layer_types: Array.from({ length: 28 }, () => "linear_attention") },
    /layer_types: "linear_attention"/,
  ],
  ["Qwen3-0.6B", { layer_types: ["full_attention"] }, /layer_types.*28/s],
  ["gemma-2-2b-it", { sliding_window: null }, /layer_types.*no sliding_window/s],
  ["gemma-3-1b-it", { layer_types: Array.from({ length: 26 }, () => "chunked_attention") }, /chunked_attention/],
  ["Mistral-7B-Instruct-v0.3", { layer_types: Array.from({ length: 32 }, () => "sliding_attention") }, /layer_types/],
  [
    "SmolLM3-3B",
    { layer_types: Array.from({ length: 36 }, () => "sliding_attention"), sliding_window: 128 },
    /layer_types/,
  ],
  ["Phi-3-mini-4k-instruct", { sliding_window: -1 }, /sliding_window/],
  ["Phi-3-mini-4k-instruct", { sliding_window: "2047" }, /sliding_window/],
  // Numbers that do not fit or are none.
  ["llama", { num_key_value_heads: 3 }, /num_key_value_heads/],
  ["llama", { hidden_size: 66, num_attention_heads: 6, num_key_value_heads: 6 }, /head_dim: 11/],
  ["llama", { head_dim: 258 }, /head_dim.*256/s],
  ["llama", { vocab_size: "many" }, /vocab_size/],
  ["gemma-2-2b-it", { final_logit_softcapping: 0 }, /final_logit_softcapping/],
  ["gemma-2-2b-it", { query_pre_attn_scalar: "256" }, /query_pre_attn_scalar/],
  ["llama", { tie_word_embeddings: "yes" }, /tie_word_embeddings/],
  ["llama", { rope_scaling: "linear" }, /not a JSON object.*rope_scaling/s],
];

describe("parseConfig", () => {
  it("reads the hub's spelling and transformers 5's alike", () => {
    const hub = parseConfig({ ...llama, rope_theta: 5e5, rope_scaling: scaling });
    const modern = parseConfig({ ...llama, rope_parameters: { ...scaling, rope_theta: 5e5 } });
    expect(modern).toEqual(hub);
    expect(hub).toMatchObject({
      ropes: [{ theta: 5e5, scaling: { type: "llama3", factor: 8 } }],
      headDim: 16,
      qkvBias: false,
    });
    expect(parseConfig({ ...llama, rope_scaling: null, num_key_value_heads: null })).toMatchObject({
      ropes: [{ theta: 10000, scaling: undefined }],
      kvHeads: 4,
    });
  });

  it("gives Qwen2 its biases", () => {
    const config = parseConfig({ ...llama, model_type: "qwen2", use_sliding_window: false });
    const names = weightSpecs(config).map(({ name }) => name);
    expect(names).toContain("model.layers.1.self_attn.k_proj.bias");
    expect(names).not.toContain("model.layers.1.self_attn.o_proj.bias");
    expect(names).toContain("lm_head.weight");
    expect(linearModules(config)).toHaveLength(14);
  });

  it.each(REFUSED)("refuses %s with %j", (name, change, message) => {
    expect(() => parseConfig({ ...base(name), ...change })).toThrow(message);
  });

  it("refuses what is no object", () => {
    expect(() => parseConfig([1])).toThrow(/not a JSON object/);
  });
});
