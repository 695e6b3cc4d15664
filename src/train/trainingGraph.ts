/**
 * @file The graph of one micro-batch: forward, loss, reverse pass. Pure (no device), so its memory is known before
 * anything is allocated.
 */

import type { BatchCapacity } from "../batch/batch.ts";
import { LabelledInputs } from "../batch/passInputs.ts";
import { STATS } from "../engine/batchScalars.ts";
import { backward } from "../engine/backward.ts";
import { Graph } from "../engine/graph.ts";
import { add } from "../engine/operators/add.ts";
import { type KlEstimator, crossEntropy } from "../engine/operators/crossEntropy.ts";
import { type MemoryPlan, planMemory } from "../engine/plan.ts";
import type { DType, Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "../model/config.ts";
import { decoder } from "../model/decoder.ts";
import type { AdaptedModule } from "../model/lora.ts";

/** What the graphs of all shapes of a run have in common. */
export interface TrainedModel {
  readonly config: DecoderConfig;
  /** The type in which a weight is stored on the device. */
  readonly dtype: (name: string) => DType;
  readonly modules: readonly AdaptedModule[];
  readonly dropout: number;
  /** Recompute each layer in the reverse pass (engine/activationCheckpointing.ts). */
  readonly activationCheckpointing?: boolean;
  /** The estimator of the divergence where labels have terms; null (default): their loss is the cross-entropy. */
  readonly terms?: KlEstimator | null;
}

export interface TrainingGraph {
  readonly capacity: BatchCapacity;
  readonly graph: Graph;
  readonly plan: MemoryPlan;
  readonly inputs: LabelledInputs;
  readonly stats: Tensor;
}

/** Floats in the `stats` buffer for this many adapted modules. */
export function statsLength(modules: number): number {
  return STATS.modules + Math.max(1, modules);
}

/** Rows of the rotary tables that all shapes share. */
export function rotaryPositions(capacities: readonly BatchCapacity[]): number {
  return Math.max(...capacities.map(({ tokens }) => tokens));
}

/** One graph per shape, in order. */
export function trainingGraphs(model: TrainedModel, capacities: readonly BatchCapacity[]): TrainingGraph[] {
  const positions = rotaryPositions(capacities);
  return capacities.map((capacity) => trainingGraph(model, capacity, positions));
}

/** @param positions rows of the rotary tables */
export function trainingGraph(model: TrainedModel, capacity: BatchCapacity, positions: number): TrainingGraph {
  const { config, modules, dropout, activationCheckpointing = false, terms = null } = model;
  const inputs = new LabelledInputs(config, capacity, terms !== null);
  const graph = new Graph();
  const { labelRows, labelTargets, labelTerms, scalars, ...tokens } = inputs.tensors(graph, positions);
  const stats = graph.input("stats", [statsLength(modules.length)]);
  const { hidden, head, parameters } = decoder(graph, config, {
    ...tokens,
    dtype: model.dtype,
    lora: { modules, dropout: { p: dropout, batch: scalars } },
    activationCheckpointing,
  });
  crossEntropy(graph, hidden, {
    head,
    labels: {
      rows: labelRows,
      targets: labelTargets,
      ...(labelTerms && terms ? { terms: { values: labelTerms, estimator: terms } } : {}),
    },
    batch: scalars,
    stats,
    softcap: config.logitSoftcap,
    withGradient: true,
  });
  backward(graph, { seeds: new Map(), wrt: new Set(parameters), add });
  return { capacity, graph, plan: planMemory(graph), inputs, stats };
}
