/**
 * @file A decoder-only transformer as a graph of operators: one function for all families, which differ in the facts of
 * `DecoderConfig` alone. Only some families have what stands in brackets.
 *
 *     ids ─ embedding ─▶ x ─ layer ─ layer ─ … ─ norm ─▶ hidden
 *
 *     a layer   x ─┬─ norm ─ q,k,v ─ [norm] ─ [rotary] ─ attention ─ o ─ [norm] ─▶ + ─▶ x'
 *                  └───────────────────────────────────────────────────────────────┘
 *               x' ─┬─ norm ─ gate,up ─ swiglu ─ down ─ [norm] ─▶ + ─▶
 *                   └─────────────────────────────────────────────┘
 */

import type { Graph } from "../engine/graph.ts";
import { attention } from "../engine/operators/attention.ts";
import { cacheWrite } from "../engine/operators/cacheWrite.ts";
import { columns } from "../engine/operators/columns.ts";
import { embedding } from "../engine/operators/embedding.ts";
import { type LoraOptions, linear } from "../engine/operators/linear.ts";
import { rmsNorm } from "../engine/operators/rmsNorm.ts";
import { rotary } from "../engine/operators/rotary.ts";
import { swiglu } from "../engine/operators/swiglu.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "./config.ts";
import {
  type AttentionModules,
  EMBEDDING,
  FINAL_NORM,
  type LayerNorms,
  type LinearModule,
  type MlpModules,
  headName,
  layerModules,
  layerNorms,
} from "./layout.ts";
import type { AdaptedModule } from "./lora.ts";

/** Tensors of a graph that every decoder reads; a layer's own are chosen by its kind. */
export interface TokenTensors {
  readonly ids: Tensor;
  readonly positions: Tensor;
  /** u32[T, 4] of a layer: attention's mask (batch/batch.ts). */
  readonly bounds: (layer: number) => Tensor;
  /** f32[P, headDim]: cosines, then sines; undefined where a layer has none. */
  readonly rotaryTable: (layer: number) => Tensor | undefined;
}

export interface DecoderLora {
  readonly modules: readonly AdaptedModule[];
  /** Given in training only. `batch` holds seed and counter (engine/batchScalars.ts). */
  readonly dropout?: { readonly p: number; readonly batch: Tensor };
}

export interface DecoderCache {
  /** Cache row that each token's key and value go to, u32[T]. */
  readonly rows: Tensor;
  /** Keys and values of each layer, inputs of shape [S, kvHeads · headDim]. */
  readonly layers: readonly { readonly keys: Tensor; readonly values: Tensor }[];
}

/** Bounds are rows of the cache when there is one. */
export interface DecoderInputs extends TokenTensors {
  /** The checkpoint's type of a weight. */
  readonly dtype: (name: string) => DType;
  readonly lora?: DecoderLora;
  readonly cache?: DecoderCache;
  /** Training: layers are recomputed in the reverse pass (engine/activationCheckpointing.ts). */
  readonly activationCheckpointing?: boolean;
}

/** Weight tensors of one graph, created once each (a tied head is the embedding). */
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
  return new DecoderBuilder(graph, config, inputs).build();
}

/** Shapes: T tokens, d hiddenSize, ff intermediateSize. */
class DecoderBuilder {
  readonly #graph: Graph;
  readonly #config: DecoderConfig;
  readonly #inputs: DecoderInputs;
  readonly #weights: Weights;
  /** By path of the module; `stream` numbers the dropout masks. */
  readonly #adapted: ReadonlyMap<string, { readonly module: AdaptedModule; readonly stream: number }>;
  readonly #parameters: Tensor[] = [];

  constructor(graph: Graph, config: DecoderConfig, inputs: DecoderInputs) {
    this.#graph = graph;
    this.#config = config;
    this.#inputs = inputs;
    this.#weights = new Weights(graph, inputs.dtype);
    const modules = inputs.lora?.modules ?? [];
    this.#adapted = new Map(modules.map((module, stream) => [module.path, { module, stream }]));
  }

  build(): Decoder {
    const { vocabSize, hiddenSize, layers, embeddingScale: scale } = this.#config;
    const table = this.#weights.get(EMBEDDING, [vocabSize, hiddenSize]);
    let x = embedding(this.#graph, this.#inputs.ids, table, { scale }); // [T, d]
    for (let layer = 0; layer < layers; layer++) {
      const begin = this.#graph.nodes.length;
      x = this.#layer(x, layer);
      if (this.#inputs.activationCheckpointing) this.#graph.checkpointActivations(begin);
    }
    const hidden = this.#norm(x, FINAL_NORM); // [T, d]
    const head = this.#weights.get(headName(this.#config), [vocabSize, hiddenSize]);
    return { hidden, head, parameters: this.#parameters };
  }

  /** One layer, [T, d] -> [T, d]. */
  #layer(x: Tensor, layer: number): Tensor {
    const modules = layerModules(this.#config, layer);
    const norms = layerNorms(this.#config, layer);
    const mixed = this.#attention(this.#norm(x, norms.attentionInput), layer, modules.attention, norms.qk);
    const afterAttention = this.#addTo(x, mixed, modules.o, norms.attentionOutput);
    const { gate, up } = this.#gateUp(this.#norm(afterAttention, norms.mlpInput), modules.mlp);
    const gated = swiglu(this.#graph, gate, up, this.#config.activation); // [T, ff]
    return this.#addTo(afterAttention, gated, modules.down, norms.mlpOutput);
  }

  /** Normalised x [T, d] -> the mixed values [T, heads · headDim]. */
  #attention(x: Tensor, layer: number, modules: AttentionModules, norms: LayerNorms["qk"]): Tensor {
    const { heads, kvHeads, headDim, attentionScale: scale, attentionSoftcap: softcap } = this.#config;
    const states = this.#queryKeyValue(x, modules);
    const q = this.#rotated(states.q, layer, norms?.q);
    let k = this.#rotated(states.k, layer, norms?.k);
    let { v } = states;
    const { cache } = this.#inputs;
    const stored = cache?.layers[layer];
    if (cache && stored) {
      k = cacheWrite(this.#graph, k, stored.keys, cache.rows); // [S, kvHeads · headDim]
      v = cacheWrite(this.#graph, v, stored.values, cache.rows);
    }
    const name = `model.layers.${layer}.self_attn`;
    const settings = { heads, kvHeads, headDim, scale, softcap, name };
    return attention(this.#graph, q, k, v, this.#inputs.bounds(layer), settings);
  }

  /** q [T, heads · headDim], k and v [T, kvHeads · headDim]. */
  #queryKeyValue(x: Tensor, modules: AttentionModules): Record<"q" | "k" | "v", Tensor> {
    if (modules.kind === "separate")
      return { q: this.#linear(x, modules.q), k: this.#linear(x, modules.k), v: this.#linear(x, modules.v) };
    const { heads, kvHeads, headDim } = this.#config;
    const [query, key] = [heads * headDim, kvHeads * headDim];
    const all = this.#linear(x, modules.qkv); // [T, (heads + 2 kvHeads) · headDim]
    return {
      q: columns(this.#graph, all, 0, query),
      k: columns(this.#graph, all, query, key),
      v: columns(this.#graph, all, query + key, key),
    };
  }

  /** gate and up [T, ff]. */
  #gateUp(x: Tensor, modules: MlpModules): Record<"gate" | "up", Tensor> {
    if (modules.kind === "separate") return { gate: this.#linear(x, modules.gate), up: this.#linear(x, modules.up) };
    const { intermediateSize: ff } = this.#config;
    const both = this.#linear(x, modules.gateUp); // [T, 2 ff]
    return { gate: columns(this.#graph, both, 0, ff), up: columns(this.#graph, both, ff, ff) };
  }

  /** Heads of queries or keys, normalised and rotated where the layer does so; shaped as `states`. */
  #rotated(states: Tensor, layer: number, norm: string | undefined): Tensor {
    const { headDim } = this.#config;
    const table = this.#inputs.rotaryTable(layer);
    const normed = norm === undefined ? states : this.#norm(states, norm, headDim);
    return table ? rotary(this.#graph, normed, table, this.#inputs.positions, headDim) : normed;
  }

  /** x plus a module's output (and the norm behind it, if there is one), added in the last one's kernel; [T, d]. */
  #addTo(x: Tensor, inner: Tensor, module: LinearModule, norm: string | undefined): Tensor {
    if (norm === undefined) return this.#linear(inner, module, x);
    return this.#norm(this.#linear(inner, module), norm, this.#config.hiddenSize, x);
  }

  #norm(x: Tensor, name: string, width = this.#config.hiddenSize, residual?: Tensor): Tensor {
    const { rmsNormEps, normAddsOne: addOne } = this.#config;
    return rmsNorm(this.#graph, x, this.#weights.get(name, [width]), rmsNormEps, name, { addOne, residual });
  }

  /** [T, inFeatures] -> [T, outFeatures], with its adapter where it has one. */
  #linear(x: Tensor, module: LinearModule, residual?: Tensor): Tensor {
    const { path: name, inFeatures, outFeatures } = module;
    const weight = this.#weights.get(`${name}.weight`, [outFeatures, inFeatures]);
    const bias = module.bias ? this.#weights.get(`${name}.bias`, [outFeatures]) : undefined;
    return linear(this.#graph, x, { name, weight, bias, residual, lora: this.#lora(module) });
  }

  #lora({ path, inFeatures, outFeatures }: LinearModule): LoraOptions | undefined {
    const found = this.#adapted.get(path);
    if (!found) return undefined;
    const { a, b, r, scale } = found.module;
    const A = this.#graph.parameter(a, [r, inFeatures]);
    const B = this.#graph.parameter(b, [outFeatures, r]);
    this.#parameters.push(A, B);
    const { p = 0, batch } = this.#inputs.lora?.dropout ?? {};
    const dropout = batch && p > 0 ? { p, stream: found.stream, batch } : undefined;
    return { A, B, scale, dropout };
  }
}
