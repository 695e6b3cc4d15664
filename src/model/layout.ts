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
export const FINAL_NORM = "model.norm.weight";

export function headName(config: DecoderConfig): string {
  return config.tiedEmbeddings ? EMBEDDING : "lm_head.weight";
}

/** The linear modules of one layer, by role. */
export function layerModules(config: DecoderConfig, layer: number): Record<"q" | "k" | "v" | "o" | "gate" | "up" | "down", LinearModule> {
  const prefix = `model.layers.${layer}`;
  const { hiddenSize: d, intermediateSize: ff } = config;
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const linear = (path: string, inFeatures: number, outFeatures: number, bias = false): LinearModule => ({
    path: `${prefix}.${path}`,
    inFeatures,
    outFeatures,
    bias,
  });
  return {
    q: linear("self_attn.q_proj", d, q, config.qkvBias),
    k: linear("self_attn.k_proj", d, kv, config.qkvBias),
    v: linear("self_attn.v_proj", d, kv, config.qkvBias),
    o: linear("self_attn.o_proj", q, d),
    gate: linear("mlp.gate_proj", d, ff),
    up: linear("mlp.up_proj", d, ff),
    down: linear("mlp.down_proj", ff, d),
  };
}

/** Every linear module that LoRA may target, in checkpoint order (the output head excluded, as PEFT's "all-linear" does). */
export function linearModules(config: DecoderConfig): LinearModule[] {
  return Array.from({ length: config.layers }, (_, layer) => Object.values(layerModules(config, layer))).flat();
}

export function normNames(layer: number): { readonly attention: string; readonly mlp: string } {
  return { attention: `model.layers.${layer}.input_layernorm.weight`, mlp: `model.layers.${layer}.post_attention_layernorm.weight` };
}

/** Every tensor that inference and training read. */
export function weightSpecs(config: DecoderConfig): WeightSpec[] {
  const d = config.hiddenSize;
  const specs: WeightSpec[] = [{ name: EMBEDDING, shape: [config.vocabSize, d] }];
  for (let layer = 0; layer < config.layers; layer++) {
    const norms = normNames(layer);
    specs.push({ name: norms.attention, shape: [d] }, { name: norms.mlp, shape: [d] });
    for (const module of Object.values(layerModules(config, layer))) {
      specs.push({ name: `${module.path}.weight`, shape: [module.outFeatures, module.inFeatures] });
      if (module.bias) specs.push({ name: `${module.path}.bias`, shape: [module.outFeatures] });
    }
  }
  specs.push({ name: FINAL_NORM, shape: [d] });
  if (!config.tiedEmbeddings) specs.push({ name: headName(config), shape: [config.vocabSize, d] });
  return specs;
}
