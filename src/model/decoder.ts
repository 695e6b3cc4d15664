/**
 * @file A decoder-only transformer as a graph of operators: one function for all Llama-shaped families.
 *
 *     ids ─ embedding ─▶ x ┬─ rmsNorm ─ q,k,v ─ rotary ─ attention ─ o ─▶ + ┬─ rmsNorm ─ gate,up ─ gatedUnit ─ down ─▶ + … rmsNorm ─▶
 *                          └───────────────────────────────────────────────┘ └──────────────────────────────────────┘
 */

import type { Graph } from "../engine/graph.ts";
import { add } from "../engine/operators/add.ts";
import { attention } from "../engine/operators/attention.ts";
import { cacheWrite } from "../engine/operators/cacheWrite.ts";
import { embedding } from "../engine/operators/embedding.ts";
import { linear } from "../engine/operators/linear.ts";
import { rmsNorm } from "../engine/operators/rmsNorm.ts";
import { rotary } from "../engine/operators/rotary.ts";
import { gatedUnit } from "../engine/operators/gatedUnit.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "./config.ts";
import type { TokenTensors } from "./inputs.ts";
import { EMBEDDING, FINAL_NORM, type LinearModule, headName, layerModules, normNames } from "./layout.ts";
import type { AdaptedModule } from "./lora.ts";

export interface DecoderLora {
  readonly modules: readonly AdaptedModule[];
  /** Given in training only. `batch` holds seed and counter (engine/batchScalars.ts). */
  readonly dropout?: { readonly p: number; readonly batch: Tensor };
}

export interface DecoderCache {
  /** Cache row that each token's key and value go to, u32[T]. */
  readonly slots: Tensor;
  /** Keys and values of each layer, inputs of shape [S, kvHeads · headDim]. */
  readonly layers: readonly { readonly keys: Tensor; readonly values: Tensor }[];
}

/** Bounds are rows of the cache when there is one. */
export interface DecoderInputs extends TokenTensors {
  /** The checkpoint's type of a weight. */
  readonly dtype: (name: string) => DType;
  readonly lora?: DecoderLora;
  readonly cache?: DecoderCache;
  /** Training: layers are computed again in the reverse pass instead of being kept (engine/checkpoint.ts). */
  readonly checkpoint?: boolean;
}

/** Weight tensors of one graph, made once each (a tied head is the embedding). */
class Weights {
  readonly #graph: Graph;
  readonly #dtype: (name: string) => DType;
  readonly #known = new Map<string, Tensor>();

  constructor(graph: Graph, dtype: (name: string) => DType) {
    this.#graph = graph;
    this.#dtype = dtype;
  }

  get(name: string, shape: readonly number[]): Tensor {
    const known = this.#known.get(name);
    if (known) return known;
    const tensor = this.#graph.weight(name, shape, this.#dtype(name));
    this.#known.set(name, tensor);
    return tensor;
  }
}

export interface Decoder {
  /** After the final norm, [T, hiddenSize]. */
  readonly hidden: Tensor;
  /** The output head's weight, [vocabSize, hiddenSize]. */
  readonly head: Tensor;
  /** The adapters' tensors, A and B per module. */
  readonly parameters: readonly Tensor[];
}

/** Append the forward pass of a decoder. */
export function decoder(graph: Graph, config: DecoderConfig, inputs: DecoderInputs): Decoder {
  const weights = new Weights(graph, inputs.dtype);
  const adapted = new Map((inputs.lora?.modules ?? []).map((module, stream) => [module.path, { module, stream }]));
  const parameters: Tensor[] = [];
  const { hiddenSize: d, headDim, heads, kvHeads } = config;

  const project = (x: Tensor, module: LinearModule): Tensor => {
    const found = adapted.get(module.path);
    const weight = weights.get(`${module.path}.weight`, [module.outFeatures, module.inFeatures]);
    const bias = module.bias ? weights.get(`${module.path}.bias`, [module.outFeatures]) : undefined;
    if (!found) return linear(graph, x, { name: module.path, weight, bias });
    const A = graph.parameter(found.module.a, [found.module.r, module.inFeatures]);
    const B = graph.parameter(found.module.b, [module.outFeatures, found.module.r]);
    parameters.push(A, B);
    const settings = inputs.lora?.dropout;
    const dropout = settings && settings.p > 0 ? { p: settings.p, stream: found.stream, batch: settings.batch } : undefined;
    return linear(graph, x, { name: module.path, weight, bias, lora: { A, B, scale: found.module.scale, dropout } });
  };

  let x = embedding(graph, inputs.ids, weights.get(EMBEDDING, [config.vocabSize, d]));
  for (let layer = 0; layer < config.layers; layer++) {
    const begin = graph.nodes.length;
    const modules = layerModules(config, layer);
    const norms = normNames(layer);
    const table = inputs.rotaryTable(layer);
    const rotate = (heads: Tensor): Tensor => (table ? rotary(graph, heads, table, inputs.positions, headDim) : heads);
    const normed = rmsNorm(graph, x, weights.get(norms.attention, [d]), config.rmsNormEps, norms.attention);
    const q = rotate(project(normed, modules.q));
    let keys = rotate(project(normed, modules.k));
    let values = project(normed, modules.v);
    const rows = inputs.cache?.layers[layer];
    if (inputs.cache && rows) {
      keys = cacheWrite(graph, keys, rows.keys, inputs.cache.slots);
      values = cacheWrite(graph, values, rows.values, inputs.cache.slots);
    }
    const mixed = attention(graph, q, keys, values, inputs.bounds(layer), {
      heads,
      kvHeads,
      headDim,
      scale: config.attentionScale,
      name: `model.layers.${layer}.self_attn`,
    });
    x = add(graph, x, project(mixed, modules.o));
    const second = rmsNorm(graph, x, weights.get(norms.mlp, [d]), config.rmsNormEps, norms.mlp);
    x = add(graph, x, project(gatedUnit(graph, project(second, modules.gate), project(second, modules.up), "silu"), modules.down));
    if (inputs.checkpoint) graph.checkpoint(begin);
  }
  const hidden = rmsNorm(graph, x, weights.get(FINAL_NORM, [d]), config.rmsNormEps, FINAL_NORM);
  return { hidden, head: weights.get(headName(config), [config.vocabSize, d]), parameters };
}
