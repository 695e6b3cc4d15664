/**
 * @file The graphs of inference: a pass over new tokens against a KV cache that ends in the next token of each row, and
 * a pass over whole sequences that ends in the log-probability of each token.
 */

import type { BatchCapacity } from "../batch/batch.ts";
import { CachedInputs, LabelledInputs } from "../batch/passInputs.ts";
import { Graph } from "../engine/graph.ts";
import { crossEntropy } from "../engine/operators/crossEntropy.ts";
import { linear } from "../engine/operators/linear.ts";
import { argmax, gatherRows } from "../engine/operators/logits.ts";
import { softcap } from "../engine/operators/softcap.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "../model/config.ts";
import { decoder } from "../model/decoder.ts";
import { cacheLayout } from "../model/kvCache.ts";
import type { AdaptedModule } from "../model/lora.ts";

export interface InferenceModel {
  readonly config: DecoderConfig;
  readonly dtype: (name: string) => DType;
  /** Adapted modules, none for the bare model. */
  readonly modules: readonly AdaptedModule[];
}

/** Sizes of the buffers that the graphs of one generator share. */
export interface SharedSizes {
  /** Rows of the rotary tables. */
  readonly positions: number;
  /** Rows of the KV cache. */
  readonly cacheRows: number;
}

export interface DecodeGraph {
  readonly graph: Graph;
  readonly inputs: CachedInputs;
  /** [B, vocabSize] */
  readonly logits: Tensor;
  /** u32[B] */
  readonly next: Tensor;
}

/** `tokens` new tokens of `sequences` sequences; their keys and values go to the cache. */
export function decodeGraph(
  model: InferenceModel,
  tokens: number,
  sequences: number,
  { positions, cacheRows }: SharedSizes,
): DecodeGraph {
  const { config } = model;
  const inputs = new CachedInputs(config, tokens, sequences);
  const graph = new Graph();
  const { cacheRows: rows, last, ...tokenInputs } = inputs.tensors(graph, positions);
  const layers = cacheLayout(config).map(({ keys, values, width }) => ({
    keys: graph.input(keys, [cacheRows, width]),
    values: graph.input(values, [cacheRows, width]),
  }));
  const { hidden, head } = decoder(graph, config, {
    ...tokenInputs,
    dtype: model.dtype,
    lora: { modules: model.modules },
    cache: { rows, layers },
  });
  const raw = linear(graph, gatherRows(graph, hidden, last), { name: "logits", weight: head });
  const logits = graph.retain(config.logitSoftcap === undefined ? raw : softcap(graph, raw, config.logitSoftcap));
  return { graph, inputs, logits, next: graph.retain(argmax(graph, logits)) };
}

export interface ScoreGraph {
  readonly graph: Graph;
  readonly inputs: LabelledInputs;
  /** f32[L]: negative log-probability of each label. */
  readonly rowLoss: Tensor;
}

/** @param positions rows of the rotary tables */
export function scoreGraph(model: InferenceModel, capacity: BatchCapacity, positions: number): ScoreGraph {
  const inputs = new LabelledInputs(model.config, capacity);
  const graph = new Graph();
  const { labelRows, labelTargets, scalars, ...tokens } = inputs.tensors(graph, positions);
  const { hidden, head } = decoder(graph, model.config, {
    ...tokens,
    dtype: model.dtype,
    lora: { modules: model.modules },
  });
  const { rowLoss } = crossEntropy(graph, hidden, {
    head,
    labels: { rows: labelRows, targets: labelTargets },
    batch: scalars,
    softcap: model.config.logitSoftcap,
    withGradient: false,
  });
  return { graph, inputs, rowLoss: graph.retain(rowLoss) };
}
