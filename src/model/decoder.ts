/**
 * @file A decoder-only transformer as a graph of operators: one function for all families, which are told apart by the
 * facts in `DecoderConfig` alone. What stands in brackets is there in some of them.
 *
 *     ids ─ embedding ─▶ x ┬─ norm ─ q,k,v ─ [norm] ─ [rotary] ─ attention ─ o ─ [norm] ─▶ + ┬─ norm ─ gate,up ─ unit ─ down ─ [norm] ─▶ + … norm ─▶
 *                          └─────────────────────────────────────────────────────────────────┘ └─────────────────────────────────────────────┘
 */

import type { Graph } from "../engine/graph.ts";
import { attention } from "../engine/operators/attention.ts";
import { cacheWrite } from "../engine/operators/cacheWrite.ts";
import { columns } from "../engine/operators/columns.ts";
import { embedding } from "../engine/operators/embedding.ts";
import { linear } from "../engine/operators/linear.ts";
import { rmsNorm } from "../engine/operators/rmsNorm.ts";
import { rotary } from "../engine/operators/rotary.ts";
import { swiglu } from "../engine/operators/swiglu.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "./config.ts";
import {
  type AttentionModules,
  EMBEDDING,
  FINAL_NORM,
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
  /** f32[P, headDim]: cosines, then sines; undefined where a layer is not turned. */
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

  const project = (x: Tensor, module: LinearModule, residual?: Tensor): Tensor => {
    const found = adapted.get(module.path);
    const weight = weights.get(`${module.path}.weight`, [module.outFeatures, module.inFeatures]);
    const bias = module.bias ? weights.get(`${module.path}.bias`, [module.outFeatures]) : undefined;
    if (!found) return linear(graph, x, { name: module.path, weight, bias, residual });
    const A = graph.parameter(found.module.a, [found.module.r, module.inFeatures]);
    const B = graph.parameter(found.module.b, [module.outFeatures, found.module.r]);
    parameters.push(A, B);
    const settings = inputs.lora?.dropout;
    const dropout =
      settings && settings.p > 0 ? { p: settings.p, stream: found.stream, batch: settings.batch } : undefined;
    return linear(graph, x, {
      name: module.path,
      weight,
      bias,
      residual,
      lora: { A, B, scale: found.module.scale, dropout },
    });
  };

  const normalise = (x: Tensor, name: string, width = d, residual?: Tensor): Tensor =>
    rmsNorm(graph, x, weights.get(name, [width]), config.rmsNormEps, name, { addOne: config.normAddsOne, residual });
  /** x plus what a module, and the norm behind it if there is one, makes of `inner`: in the last one's own pass. */
  const addTo = (x: Tensor, inner: Tensor, module: LinearModule, norm: string | undefined): Tensor =>
    norm === undefined ? project(inner, module, x) : normalise(project(inner, module), norm, d, x);
  const attentionStates = (
    x: Tensor,
    modules: AttentionModules,
  ): { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor } => {
    if (modules.kind === "separate")
      return { q: project(x, modules.q), k: project(x, modules.k), v: project(x, modules.v) };
    const all = project(x, modules.qkv);
    const [own, shared] = [heads * headDim, kvHeads * headDim];
    return {
      q: columns(graph, all, 0, own),
      k: columns(graph, all, own, shared),
      v: columns(graph, all, own + shared, shared),
    };
  };
  const unitStates = (x: Tensor, modules: MlpModules): { readonly gate: Tensor; readonly up: Tensor } => {
    if (modules.kind === "separate") return { gate: project(x, modules.gate), up: project(x, modules.up) };
    const both = project(x, modules.gateUp);
    const width = config.intermediateSize;
    return { gate: columns(graph, both, 0, width), up: columns(graph, both, width, width) };
  };

  let x = embedding(graph, inputs.ids, weights.get(EMBEDDING, [config.vocabSize, d]), { scale: config.embeddingScale });
  for (let layer = 0; layer < config.layers; layer++) {
    const begin = graph.nodes.length;
    const modules = layerModules(config, layer);
    const norms = layerNorms(config, layer);
    const table = inputs.rotaryTable(layer);
    /** Heads of queries or keys, normalised and turned where the layer does so. */
    const place = (states: Tensor, norm: string | undefined): Tensor => {
      const normed = norm === undefined ? states : normalise(states, norm, headDim);
      return table ? rotary(graph, normed, table, inputs.positions, headDim) : normed;
    };
    const states = attentionStates(normalise(x, norms.attentionInput), modules.attention);
    const q = place(states.q, norms.qk?.q);
    let keys = place(states.k, norms.qk?.k);
    let values = states.v;
    const rows = inputs.cache?.layers[layer];
    if (inputs.cache && rows) {
      keys = cacheWrite(graph, keys, rows.keys, inputs.cache.rows);
      values = cacheWrite(graph, values, rows.values, inputs.cache.rows);
    }
    const mixed = attention(graph, q, keys, values, inputs.bounds(layer), {
      heads,
      kvHeads,
      headDim,
      scale: config.attentionScale,
      softcap: config.attentionSoftcap,
      name: `model.layers.${layer}.self_attn`,
    });
    x = addTo(x, mixed, modules.o, norms.attentionOutput);
    const { gate, up } = unitStates(normalise(x, norms.mlpInput), modules.mlp);
    x = addTo(x, swiglu(graph, gate, up, config.activation), modules.down, norms.mlpOutput);
    if (inputs.activationCheckpointing) graph.checkpointActivations(begin);
  }
  const hidden = normalise(x, FINAL_NORM);
  return { hidden, head: weights.get(headName(config), [config.vocabSize, d]), parameters };
}
