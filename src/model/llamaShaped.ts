/** @file What all families here share: they have Llama's shape, and each adds its own facts and refusals. */

import { describeValue } from "../base/describe.ts";
import type { GluActivation } from "../engine/operators/swiglu.ts";
import type { DecoderConfig, LayerKind } from "./config.ts";
import type { ConfigFields } from "./configFields.ts";
import { type RopeConfig, ropeConfig } from "./rope.ts";

/** What a family's class in transformers assumes of a field that config.json leaves out. */
export interface FamilyDefaults {
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly rmsNormEps?: number;
  readonly tiedEmbeddings?: boolean;
  readonly maxPositions?: number;
}

export interface FamilyFacts {
  readonly family: string;
  readonly defaults?: FamilyDefaults;
  /** Window of each layer; by default none. */
  readonly windows?: readonly (number | undefined)[];
  /** By default one, for every layer, from the usual fields. */
  readonly ropes?: readonly RopeConfig[];
  /** Index into `ropes` of each layer; by default the first. */
  readonly ropeOfLayer?: readonly (number | undefined)[];
  /** Fields that name the activation, and the one that is computed. */
  readonly activation?: { readonly field: string; readonly value: GluActivation };
}

/** Fields that change the computation, and the values that are computed here. */
const REFUSED: readonly (readonly [name: string, allowed: readonly unknown[]])[] = [
  ["quantization_config", []],
  ["attention_bias", [false]],
  ["mlp_bias", [false]],
  ["num_local_experts", []],
  ["num_experts", []],
  ["use_bidirectional_attention", [false]],
  ["attention_dropout", [0]],
  ["resid_pdrop", [0]],
  ["embd_pdrop", [0]],
];

/**
 * A decoder of Llama's shape.
 * @throws BasinError for a setting that is not supported, naming it
 */
export function llamaShaped(fields: ConfigFields, facts: FamilyFacts): DecoderConfig {
  const { defaults = {}, activation = { field: "hidden_act", value: "silu" } } = facts;
  for (const [name, allowed] of REFUSED) fields.require(name, allowed);
  fields.require(activation.field, [activation.value]);
  const heads = fields.count("num_attention_heads");
  const hiddenSize = fields.count("hidden_size");
  const headDim =
    fields.get("head_dim") === undefined ? (defaults.headDim ?? hiddenSize / heads) : fields.count("head_dim");
  const kvHeads = fields.optionalCount("num_key_value_heads", defaults.kvHeads) ?? heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    fields.fail("head_dim", `${headDim} is not an even whole number`);
  if (headDim > 256) fields.fail("head_dim", `${headDim} is more than 256, the most that attention computes`);
  if (heads % kvHeads !== 0)
    fields.fail("num_key_value_heads", `${kvHeads} does not divide num_attention_heads ${heads}`);
  const layers = fields.layers();
  const { windows, ropeOfLayer } = facts;
  return {
    family: facts.family,
    vocabSize: fields.count("vocab_size"),
    hiddenSize,
    intermediateSize: fields.count("intermediate_size"),
    layers,
    layerKinds: Array.from(
      { length: layers },
      (_, layer): LayerKind => ({ window: windows?.[layer], rope: ropeOfLayer ? ropeOfLayer[layer] : 0 }),
    ),
    heads,
    kvHeads,
    headDim,
    attentionScale: 1 / Math.sqrt(headDim),
    attentionSoftcap: undefined,
    logitSoftcap: undefined,
    rmsNormEps: fields.number("rms_norm_eps", defaults.rmsNormEps ?? 1e-6),
    normAddsOne: false,
    sandwichNorms: false,
    qkNorm: false,
    fusedProjections: false,
    activation: activation.value,
    embeddingScale: 1,
    ropes: facts.ropes ?? [ropeConfig(fields)],
    tiedEmbeddings: fields.boolean("tie_word_embeddings", defaults.tiedEmbeddings ?? false),
    qkvBias: false,
    maxPositions: fields.count("max_position_embeddings", defaults.maxPositions ?? 2048),
  };
}

/**
 * Which layers see only a window, from `layer_types` or, without it, by the family's rule.
 * @param window undefined: none is set
 * @throws BasinError for another type of layer, or a sliding layer without a window
 */
export function layerWindows(
  fields: ConfigFields,
  window: number | undefined,
  slides: (layer: number) => boolean,
): (number | undefined)[] {
  const layers = fields.layers();
  const types =
    fields.list("layer_types", layers) ??
    Array.from({ length: layers }, (_, layer) => (slides(layer) ? "sliding_attention" : "full_attention"));
  return types.map((type) => {
    if (type === "full_attention") return undefined;
    if (type !== "sliding_attention")
      fields.fail(
        "layer_types",
        `${describeValue(type)} is not supported (supported: "full_attention", "sliding_attention")`,
      );
    if (window === undefined)
      fields.fail("layer_types", "there are layers with sliding attention, but no sliding_window is in force");
    return window;
  });
}

/**
 * One window for all layers.
 * @throws BasinError when `layer_types` says otherwise, which the family's class in transformers ignores
 */
export function uniformWindows(fields: ConfigFields, window: number | undefined): (number | undefined)[] {
  const type = window === undefined ? "full_attention" : "sliding_attention";
  const layers = fields.layers();
  if (fields.list("layer_types", layers)?.some((each) => each !== type))
    fields.fail("layer_types", `this family's layers are all alike, here all ${describeValue(type)}`);
  return Array.from({ length: layers }, () => window);
}
