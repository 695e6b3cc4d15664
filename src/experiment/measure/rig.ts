/**
 * @file A model of random weights with two trainers over it, plain fine-tuning and AsFT, each with an adapter of its own: what
 * `basin bench`, the benchmark's page and the device panel measure.
 */

import type { Gpu } from "../../engine/device.ts";
import { ParameterStore } from "../../engine/parameters.ts";
import { bindMethod } from "../../methods/registry.ts";
import { linearModules } from "../../model/layout.ts";
import { loadModel } from "../../model/loadModel.ts";
import { adaptedModule, adapterLayout } from "../../model/lora.ts";
import { type PackedBatch, batchSize, packBatch } from "../../text/batches.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { initialAdapter, writeAdapter } from "../../train/initAdapter.ts";
import { bucketCapacities, capacityFor } from "../../train/capacities.ts";
import { Trainer, createStats } from "../../train/trainer.ts";
import type { Quantization } from "../run/quantization.ts";
import { type BenchSize, benchModel } from "./benchModels.ts";

/** The projections that AsFT's and PEFT's defaults target. */
const TARGETS = ["q_proj", "v_proj"];

export type RigSide = "sft" | "asft";

export interface Side {
  readonly trainer: Trainer;
  readonly bytes: number;
}

export interface Rig {
  readonly parameters: number;
  /** The first micro-batch, which is the only one unless rows were given. */
  readonly batch: PackedBatch;
  readonly batches: readonly PackedBatch[];
  readonly sides: Readonly<Partial<Record<RigSide, Side>>>;
  destroy(): void;
}

/** Micro-batches of rows of given lengths; the answers carry loss. */
export interface RigRows {
  readonly packing: boolean;
  readonly batches: readonly (readonly { readonly prompt: number; readonly all: number }[])[];
}

/** Rows of one length; as in instruction data, about half of the tokens carry loss. */
function evenRows({ rows, length }: BenchSize): RigRows {
  return { packing: true, batches: [Array.from({ length: rows }, () => ({ prompt: length / 2, all: length }))] };
}

/** @param quantization of the layers' matrices; bf16 where null */
export async function createRig(
  gpu: Gpu,
  size: BenchSize,
  wanted: readonly RigSide[],
  quantization: Quantization | null = null,
  rows = evenRows(size),
): Promise<Rig> {
  const aligned = benchModel(size, 1);
  const unaligned = benchModel(size, 2);
  const { config } = aligned;
  const model = await loadModel(gpu, config, aligned.reader, { name: size.name, quantization });
  const { packing } = rows;
  const examples = rows.batches.map((batch) =>
    batch.map(({ prompt, all }, row): TokenizedExample => {
      const input_ids = Array.from({ length: all }, (_, t) => (31 * row + 7 * t) % config.vocabSize);
      return { input_ids, labels: input_ids.map((id, t) => (t < prompt ? -100 : id)) };
    }),
  );
  const needs = examples.map((batch) => batchSize(batch, packing));
  const capacities = bucketCapacities(needs);
  const batches = examples.map((batch, index) =>
    packBatch(batch, { packing, capacity: capacityFor(capacities, needs[index] ?? { tokens: 1, labels: 1 }) }),
  );
  const [batch] = batches;
  if (!batch) throw new Error("a rig needs a batch");
  const modules = linearModules(config)
    .filter(({ path }) => TARGETS.some((name) => path.endsWith(name)))
    .map((module) => adaptedModule(module, { r: 8, lora_alpha: 32, use_rslora: false }));
  const cleanup: (() => void)[] = [() => model.destroy()];
  const side = async (name: RigSide): Promise<Side> => {
    const parameters = await ParameterStore.create(gpu, adapterLayout(modules));
    writeAdapter(parameters, modules, (module) => {
      const { A, B } = initialAdapter(module, 1);
      // As after some training: B is no longer zero.
      return { A, B: B.map((_, i) => 0.01 * Math.sin(i)) };
    });
    const stats = await createStats(gpu, modules.length);
    const method = await bindMethod(name === "sft" ? { name } : { name, lambda: 1 }).prepare({
      gpu,
      modules,
      parameters,
      stats,
      aligned: aligned.reader,
      unaligned: unaligned.reader,
    });
    const trainer = await Trainer.create({
      gpu,
      model,
      modules,
      parameters,
      stats,
      optimiser: { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0, max_grad_norm: 0 },
      lora_dropout: 0.05,
      seed: 1,
      capacities,
      gradient_accumulation_steps: 1,
      ...(method.dispatches.length > 0 ? { penalty: method } : {}),
    });
    cleanup.push(
      () => trainer.destroy(),
      () => method.destroy(),
      () => stats.buffer.destroy(),
      () => parameters.destroy(),
    );
    const { activations, inputs } = trainer.bytes;
    return {
      trainer,
      bytes: model.bytes + activations + inputs + ParameterStore.bytes(parameters.layout) + method.anchorBytes,
    };
  };
  const sides: Partial<Record<RigSide, Side>> = {};
  for (const name of wanted) sides[name] = await side(name);
  return {
    parameters: aligned.parameters,
    batch,
    batches,
    sides,
    destroy: () => cleanup.forEach((release) => release()),
  };
}

/** A side that was asked for. */
export function sideOf({ sides }: Rig, name: RigSide): Side {
  const side = sides[name];
  if (!side) throw new Error(`the rig has no ${name}`);
  return side;
}
