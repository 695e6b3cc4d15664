/**
 * @file The graphs of inference: a pass over new tokens against a KV cache that ends in the next token of each row, and a
 * pass over whole sequences that ends in the log-probability of each token.
 */

import { BATCH_SCALARS } from "../engine/batchScalars.ts";
import { Graph } from "../engine/graph.ts";
import { crossEntropy } from "../engine/operators/crossEntropy.ts";
import { linear } from "../engine/operators/linear.ts";
import { argmax, gatherRows } from "../engine/operators/logits.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "../model/config.ts";
import { decoder } from "../model/decoder.ts";
import { InputBlock } from "../model/inputs.ts";
import type { AdaptedModule } from "../model/lora.ts";
import type { BatchCapacity } from "../text/batches.ts";

export interface InferenceModel {
  readonly config: DecoderConfig;
  readonly dtype: (name: string) => DType;
  /** Adapted modules, none for the bare model. */
  readonly modules: readonly AdaptedModule[];
  /** Rows of the rotary table. */
  readonly positions: number;
}

export interface DecodeGraph {
  readonly graph: Graph;
  readonly block: InputBlock;
  readonly rotaryTable: Tensor;
  /** [B, vocabSize] */
  readonly logits: Tensor;
  /** u32[B] */
  readonly next: Tensor;
}

export const cacheKeys = (layer: number): string => `layer ${layer} keys`;
export const cacheValues = (layer: number): string => `layer ${layer} values`;

/** `tokens` new tokens of `rows` sequences, keys and values kept in a cache of `cacheRows` rows. */
export function decodeGraph(model: InferenceModel, tokens: number, rows: number, cacheRows: number): DecodeGraph {
  const { config } = model;
  const block = new InputBlock([
    { name: "ids", shape: [tokens] },
    { name: "positions", shape: [tokens] },
    { name: "bounds", shape: [tokens, 4] },
    { name: "slots", shape: [tokens] },
    { name: "last", shape: [rows] },
  ]);
  const graph = new Graph();
  const input = block.tensors(graph);
  const rotaryTable = graph.input("rotary table", [model.positions, config.headDim]);
  const width = config.kvHeads * config.headDim;
  const { hidden, head } = decoder(graph, config, {
    ids: input("ids"),
    positions: input("positions"),
    bounds: input("bounds"),
    rotaryTable,
    dtype: model.dtype,
    lora: { modules: model.modules },
    cache: {
      slots: input("slots"),
      layer: (layer) => ({
        keys: graph.input(cacheKeys(layer), [cacheRows, width]),
        values: graph.input(cacheValues(layer), [cacheRows, width]),
      }),
    },
  });
  const logits = graph.keep(linear(graph, gatherRows(graph, hidden, input("last")), { name: "logits", weight: head }));
  return { graph, block, rotaryTable, logits, next: graph.keep(argmax(graph, logits)) };
}

export interface ScoreGraph {
  readonly graph: Graph;
  readonly block: InputBlock;
  readonly rotaryTable: Tensor;
  /** f32[L]: negative log-probability of each label. */
  readonly rowLoss: Tensor;
}

export function scoreGraph(model: InferenceModel, capacity: BatchCapacity): ScoreGraph {
  const block = new InputBlock([
    { name: "ids", shape: [capacity.tokens] },
    { name: "positions", shape: [capacity.tokens] },
    { name: "bounds", shape: [capacity.tokens, 4] },
    { name: "rows", shape: [capacity.labels] },
    { name: "targets", shape: [capacity.labels] },
    { name: "batch", shape: [BATCH_SCALARS] },
  ]);
  const graph = new Graph();
  const input = block.tensors(graph);
  const rotaryTable = graph.input("rotary table", [model.positions, model.config.headDim]);
  const { hidden, head } = decoder(graph, model.config, {
    ids: input("ids"),
    positions: input("positions"),
    bounds: input("bounds"),
    rotaryTable,
    dtype: model.dtype,
    lora: { modules: model.modules },
  });
  const { rowLoss } = crossEntropy(graph, hidden, {
    head,
    rows: input("rows"),
    targets: input("targets"),
    batch: input("batch"),
    withGradient: false,
  });
  return { graph, block, rotaryTable, rowLoss: graph.keep(rowLoss) };
}
