/**
 * @file The graph of one micro-batch: forward, loss, reverse pass. Pure (no device), so its memory is known before
 * anything is allocated.
 */

import { BATCH_SCALARS, STATS } from "../engine/batchScalars.ts";
import { backward } from "../engine/backward.ts";
import { Graph } from "../engine/graph.ts";
import { add } from "../engine/operators/add.ts";
import { crossEntropy } from "../engine/operators/crossEntropy.ts";
import { type MemoryPlan, planMemory } from "../engine/plan.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "../model/config.ts";
import { decoder } from "../model/decoder.ts";
import { InputBlock, tokenArrays, tokenSections, tokenTensors } from "../model/inputs.ts";
import type { AdaptedModule } from "../model/lora.ts";
import type { BatchCapacity, PackedBatch } from "../text/batches.ts";
import { encodeBatchScalars } from "../engine/batchScalars.ts";

export interface TrainingGraphOptions {
  readonly config: DecoderConfig;
  readonly dtype: (name: string) => DType;
  readonly modules: readonly AdaptedModule[];
  readonly dropout: number;
  readonly capacity: BatchCapacity;
  /** Rows of the rotary tables. */
  readonly positions: number;
  /** Recompute each layer in the reverse pass (engine/activationCheckpointing.ts). */
  readonly activationCheckpointing?: boolean;
}

export interface TrainingGraph {
  readonly graph: Graph;
  readonly plan: MemoryPlan;
  readonly block: InputBlock;
  readonly stats: Tensor;
}

/** Floats in the `stats` buffer for this many adapted modules. */
export function statsLength(modules: number): number {
  return STATS.modules + Math.max(1, modules);
}

export function trainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const { config, modules, capacity } = options;
  const block = new InputBlock([
    ...tokenSections(config, capacity.tokens),
    { name: "rows", shape: [capacity.labels] },
    { name: "targets", shape: [capacity.labels] },
    { name: "batch", shape: [BATCH_SCALARS] },
  ]);
  const graph = new Graph();
  const input = block.tensors(graph);
  const stats = graph.input("stats", [statsLength(modules.length)]);
  const model = decoder(graph, config, {
    ...tokenTensors(graph, config, input, options.positions),
    dtype: options.dtype,
    lora: { modules, dropout: { p: options.dropout, batch: input("batch") } },
    ...(options.activationCheckpointing ? { activationCheckpointing: true } : {}),
  });
  crossEntropy(graph, model.hidden, {
    head: model.head,
    rows: input("rows"),
    targets: input("targets"),
    batch: input("batch"),
    stats,
    softcap: config.logitSoftcap,
    withGradient: true,
  });
  backward(graph, { seeds: new Map(), wrt: new Set(model.parameters), add });
  return { graph, plan: planMemory(graph), block, stats };
}

/** The input block's bytes for one micro-batch, written to `memory`. */
export function encodeBatch(
  config: DecoderConfig,
  block: InputBlock,
  batch: PackedBatch,
  scalars: { seed: number; counter: number; lossScale: number },
  memory: Uint32Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const sections = {
    ...tokenArrays(config, batch),
    rows: batch.labelRows,
    targets: batch.labelTargets,
    batch: new Uint32Array(encodeBatchScalars(scalars)),
  };
  return block.encode(sections, memory);
}
