/** @file Names and shapes of a decoder's tensors, as Hugging Face stores them. */

import type { Shape } from "../engine/tensor.ts";
import type { DecoderConfig } from "./config.ts";

export interface WeightSpec {
  readonly name: string;
  readonly shape: Shape;
}

export interface LinearModule {
  /** As PEFT names it: "model.layers.0.self_attn.q_proj". */
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias: boolean;
}

export const EMBEDDING = "model.embed_tokens.weight";
export const HEAD = "lm_head.weight";
export const FINAL_NORM = "model.norm.weight";

export function headName(config: DecoderConfig): string {
  return config.tiedEmbeddings ? EMBEDDING : HEAD;
}

/** The projections to queries, keys and values: a matrix each, or one for all three. */
export type AttentionModules =
  | { readonly kind: "separate"; readonly q: LinearModule; readonly k: LinearModule; readonly v: LinearModule }
  | { readonly kind: "fused"; readonly qkv: LinearModule };

/** The projections to gate and up. */
export type MlpModules =
  | { readonly kind: "separate"; readonly gate: LinearModule; readonly up: LinearModule }
  | { readonly kind: "fused"; readonly gateUp: LinearModule };

/** The linear modules of one layer, by role. */
export interface LayerModules {
  readonly attention: AttentionModules;
  readonly o: LinearModule;
  readonly mlp: MlpModules;
  readonly down: LinearModule;
  /** All of them, in the order in which transformers registers them: PEFT's, and that of the dropout streams. */
  readonly all: readonly LinearModule[];
}

export function layerModules(config: DecoderConfig, layer: number): LayerModules {
  const { hiddenSize: d, intermediateSize: ff } = config;
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const linear = (path: string, inFeatures: number, outFeatures: number, bias = false): LinearModule => ({
    path: `model.layers.${layer}.${path}`,
    inFeatures,
    outFeatures,
    bias,
  });
  const o = linear("self_attn.o_proj", q, d);
  const down = linear("mlp.down_proj", ff, d);
  if (config.fusedProjections) {
    const qkv = linear("self_attn.qkv_proj", d, q + 2 * kv);
    const gateUp = linear("mlp.gate_up_proj", d, 2 * ff);
    return { attention: { kind: "fused", qkv }, o, mlp: { kind: "fused", gateUp }, down, all: [o, qkv, gateUp, down] };
  }
  const attention = {
    kind: "separate",
    q: linear("self_attn.q_proj", d, q, config.qkvBias),
    k: linear("self_attn.k_proj", d, kv, config.qkvBias),
    v: linear("self_attn.v_proj", d, kv, config.qkvBias),
  } as const;
  const mlp = { kind: "separate", gate: linear("mlp.gate_proj", d, ff), up: linear("mlp.up_proj", d, ff) } as const;
  return { attention, o, mlp, down, all: [attention.q, attention.k, attention.v, o, mlp.gate, mlp.up, down] };
}

/** Every linear module that LoRA may target, in checkpoint order (without the output head, as PEFT's "all-linear"). */
export function linearModules(config: DecoderConfig): LinearModule[] {
  return Array.from({ length: config.layers }, (_, layer) => layerModules(config, layer).all).flat();
}

/** Names of a layer's norms; undefined where the model has none. */
export interface LayerNorms {
  readonly attentionInput: string;
  readonly attentionOutput: string | undefined;
  readonly mlpInput: string;
  readonly mlpOutput: string | undefined;
  /** On each head of queries and of keys. */
  readonly qk: { readonly q: string; readonly k: string } | undefined;
}

export function layerNorms(config: DecoderConfig, layer: number): LayerNorms {
  const name = (path: string): string => `model.layers.${layer}.${path}.weight`;
  return {
    attentionInput: name("input_layernorm"),
    // One name, two places: only with norms after the blocks does post_attention_layernorm follow the attention.
    attentionOutput: config.sandwichNorms ? name("post_attention_layernorm") : undefined,
    mlpInput: name(config.sandwichNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm"),
    mlpOutput: config.sandwichNorms ? name("post_feedforward_layernorm") : undefined,
    qk: config.qkNorm ? { q: name("self_attn.q_norm"), k: name("self_attn.k_norm") } : undefined,
  };
}

/** Every tensor that inference and training read. */
export function weightSpecs(config: DecoderConfig): WeightSpec[] {
  const d = config.hiddenSize;
  const specs: WeightSpec[] = [{ name: EMBEDDING, shape: [config.vocabSize, d] }];
  for (let layer = 0; layer < config.layers; layer++) {
    const { qk, ...norms } = layerNorms(config, layer);
    for (const name of Object.values(norms)) if (name !== undefined) specs.push({ name, shape: [d] });
    if (qk) specs.push({ name: qk.q, shape: [config.headDim] }, { name: qk.k, shape: [config.headDim] });
    for (const module of layerModules(config, layer).all) {
      specs.push({ name: `${module.path}.weight`, shape: [module.outFeatures, module.inFeatures] });
      if (module.bias) specs.push({ name: `${module.path}.bias`, shape: [module.outFeatures] });
    }
  }
  specs.push({ name: FINAL_NORM, shape: [d] });
  if (!config.tiedEmbeddings) specs.push({ name: headName(config), shape: [config.vocabSize, d] });
  return specs;
}
