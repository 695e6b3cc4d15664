/** @file Configurations: both spellings are read, and what cannot be computed rightly is refused by name. */

import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules, weightSpecs } from "../../src/model/layout.ts";

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
const scaling = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 128 };

describe("parseConfig", () => {
  it("reads the hub's spelling and transformers 5's alike", () => {
    const hub = parseConfig({ ...llama, rope_theta: 5e5, rope_scaling: scaling });
    const modern = parseConfig({ ...llama, rope_parameters: { ...scaling, rope_theta: 5e5 } });
    expect(modern).toEqual(hub);
    expect(hub).toMatchObject({ ropes: [{ theta: 5e5, scaling: { type: "llama3", factor: 8 } }], headDim: 16, qkvBias: false });
    expect(parseConfig({ ...llama, rope_scaling: null, num_key_value_heads: null })).toMatchObject({ ropes: [{ theta: 10000, scaling: undefined }], kvHeads: 4 });
  });

  it("gives Qwen2 its biases", () => {
    const config = parseConfig({ ...llama, model_type: "qwen2", use_sliding_window: false });
    const names = weightSpecs(config).map(({ name }) => name);
    expect(names).toContain("model.layers.1.self_attn.k_proj.bias");
    expect(names).not.toContain("model.layers.1.self_attn.o_proj.bias");
    expect(names).toContain("lm_head.weight");
    expect(linearModules(config)).toHaveLength(14);
  });

  it.each([
    [{ model_type: "gpt2" }, /"gpt2".*model_type.*llama, qwen2/s],
    [{ hidden_act: "gelu" }, /hidden_act: "gelu"/],
    [{ attention_bias: true }, /attention_bias/],
    [{ mlp_bias: true }, /mlp_bias/],
    [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    [{ rope_scaling: { rope_type: "yarn", factor: 2 } }, /rope_type: "yarn"/],
    [{ quantization_config: { bits: 4 } }, /quantization_config/],
    [{ num_key_value_heads: 3 }, /num_key_value_heads/],
    [{ hidden_size: 66, num_attention_heads: 6, num_key_value_heads: 6 }, /head_dim: 11/],
    [{ vocab_size: "many" }, /vocab_size/],
    [{ model_type: "qwen2", layer_types: ["full_attention", "sliding_attention"] }, /layer_types/],
  ])("refuses %j", (change, message) => {
    expect(() => parseConfig({ ...llama, ...change })).toThrow(message);
  });

  it("refuses what is no object", () => {
    expect(() => parseConfig([1])).toThrow(/not a JSON object/);
  });
});
