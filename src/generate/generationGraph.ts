/**
 * @file The graphs of inference: a pass over new tokens against a KV cache that ends in the next token of each row, and
 * a pass over whole sequences that ends in the log-probability of each token.
 */

import { BATCH_SCALARS } from "../engine/batchScalars.ts";
import { Graph } from "../engine/graph.ts";
import { crossEntropy } from "../engine/operators/crossEntropy.ts";
import { linear } from "../engine/operators/linear.ts";
import { argmax, gatherRows } from "../engine/operators/logits.ts";
import { softcap } from "../engine/operators/softcap.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "../model/config.ts";
import { decoder } from "../model/decoder.ts";
import { InputBlock, cacheLayout, tokenSections, tokenTensors } from "../model/inputs.ts";
import type { AdaptedModule } from "../model/lora.ts";
import type { BatchCapacity } from "../text/batches.ts";

export interface InferenceModel {
  readonly config: DecoderConfig;
  readonly dtype: (name: string) => DType;
  /** Adapted modules, none for the bare model. */
  readonly modules: readonly AdaptedModule[];
  /** Rows of the rotary tables. */
  readonly positions: number;
}

export interface DecodeGraph {
  readonly graph: Graph;
  readonly block: InputBlock;
  /** [B, vocabSize] */
  readonly logits: Tensor;
  /** u32[B] */
  readonly next: Tensor;
}

/** `tokens` new tokens of `rows` sequences, keys and values kept in a cache of `cacheRows` rows. */
export function decodeGraph(model: InferenceModel, tokens: number, rows: number, cacheRows: number): DecodeGraph {
  const { config } = model;
  const block = new InputBlock([
    ...tokenSections(config, tokens),
    { name: "slots", shape: [tokens] },
    { name: "last", shape: [rows] },
  ]);
  const graph = new Graph();
  const input = block.tensors(graph);
  const layers = cacheLayout(config).map(({ keys, values, width }) => ({
    keys: graph.input(keys, [cacheRows, width]),
    values: graph.input(values, [cacheRows, width]),
  }));
  const { hidden, head } = decoder(graph, config, {
    ...tokenTensors(graph, config, input, model.positions),
    dtype: model.dtype,
    lora: { modules: model.modules },
    cache: {
      rows: input("slots"),
      layers,
    },
  });
  const raw = linear(graph, gatherRows(graph, hidden, input("last")), { name: "logits", weight: head });
  const logits = graph.retain(config.logitSoftcap === undefined ? raw : softcap(graph, raw, config.logitSoftcap));
  return { graph, block, logits, next: graph.retain(argmax(graph, logits)) };
}

export interface ScoreGraph {
  readonly graph: Graph;
  readonly block: InputBlock;
  /** f32[L]: negative log-probability of each label. */
  readonly rowLoss: Tensor;
}

export function scoreGraph(model: InferenceModel, capacity: BatchCapacity): ScoreGraph {
  const block = new InputBlock([
    ...tokenSections(model.config, capacity.tokens),
    { name: "rows", shape: [capacity.labels] },
    { name: "targets", shape: [capacity.labels] },
    { name: "batch", shape: [BATCH_SCALARS] },
  ]);
  const graph = new Graph();
  const input = block.tensors(graph);
  const { hidden, head } = decoder(graph, model.config, {
    ...tokenTensors(graph, model.config, input, model.positions),
    dtype: model.dtype,
    lora: { modules: model.modules },
  });
  const { rowLoss } = crossEntropy(graph, hidden, {
    head,
    rows: input("rows"),
    targets: input("targets"),
    batch: input("batch"),
    softcap: model.config.logitSoftcap,
    withGradient: false,
  });
  return { graph, block, rowLoss: graph.retain(rowLoss) };
}
