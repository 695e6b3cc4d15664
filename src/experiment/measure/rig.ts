/**
 * @file A model of random weights with two trainers over it, plain fine-tuning and AsFT, each with an adapter of its
 * own: what `basin bench`, the benchmark's page and the device panel measure.
 */

import { allOrNothing } from "../../engine/allOrNothing.ts";
import type { Gpu } from "../../engine/device.ts";
import { ParameterStore } from "../../engine/parameters.ts";
import { bindMethod, PLAIN, type MethodInput } from "../../methods/registry.ts";
import { linearModules } from "../../model/layout.ts";
import { loadModel, type LoadedModel } from "../../model/loadModel.ts";
import { adaptedModule, adapterLayout, type AdaptedModule } from "../../model/lora.ts";
import type { BatchCapacity, LabelledBatch } from "../../batch/batch.ts";
import { batchSize, packBatch } from "../../batch/packBatch.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { initialAdapter, writeAdapter } from "../../train/initAdapter.ts";
import { bucketCapacities, capacityFor } from "../../train/capacities.ts";
import { Trainer, type TrainerSettings, createStats } from "../../train/trainer.ts";
import type { TensorReader } from "../../weights/tensorReader.ts";
import type { Quantization } from "../run/quantization.ts";
import { type BenchSize, benchModel } from "./benchModels.ts";

/** The projections that AsFT's and PEFT's defaults target. */
const TARGETS = ["q_proj", "v_proj"];

const SETTINGS: TrainerSettings = {
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  weight_decay: 0,
  max_grad_norm: 0,
  lora_dropout: 0.05,
  seed: 1,
  gradient_accumulation_steps: 1,
};

const RIG_METHODS = {
  sft: PLAIN,
  asft: { name: "asft", lambda: 1 },
} as const satisfies Record<string, MethodInput>;

export type RigSide = keyof typeof RIG_METHODS;

export interface Side {
  readonly trainer: Trainer;
  readonly bytes: number;
}

export interface Rig {
  readonly parameters: number;
  /** The first micro-batch, which is the only one unless rows were given. */
  readonly batch: LabelledBatch;
  readonly batches: readonly LabelledBatch[];
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
  const { batches, capacities } = packRows(rows, config.vocabSize);
  const [batch] = batches;
  if (!batch) throw new Error("a rig needs a batch");
  const modules = linearModules(config)
    .filter(({ path }) => TARGETS.some((name) => path.endsWith(name)))
    .map((module) => adaptedModule(module, { r: 8, lora_alpha: 32, use_rslora: false }));
  return allOrNothing(async (own) => {
    const model = own(await loadModel(gpu, config, aligned.reader, { name: size.name, quantization }));
    const parts: SideParts = { gpu, model, modules, capacities, aligned: aligned.reader, unaligned: unaligned.reader };
    const sides: { [name in RigSide]?: OwnedSide } = {};
    for (const name of wanted) sides[name] = own(await createSide(name, parts));
    return {
      parameters: aligned.parameters,
      batch,
      batches,
      sides,
      destroy: () => {
        for (const side of Object.values(sides)) side.destroy();
        model.destroy();
      },
    };
  });
}

function packRows(
  { packing, batches }: RigRows,
  vocabSize: number,
): { readonly batches: readonly LabelledBatch[]; readonly capacities: readonly BatchCapacity[] } {
  const examples = batches.map((batch) =>
    batch.map(({ prompt, all }, row): TokenizedExample => {
      const input_ids = Array.from({ length: all }, (_, t) => (31 * row + 7 * t) % vocabSize);
      return { input_ids, labels: input_ids.map((id, t) => (t < prompt ? -100 : id)) };
    }),
  );
  const needs = examples.map((batch) => batchSize(batch, packing));
  const capacities = bucketCapacities(needs);
  return {
    capacities,
    batches: examples.map((batch, index) =>
      packBatch(batch, { packing, capacity: capacityFor(capacities, needs[index] ?? { tokens: 1, labels: 1 }) }),
    ),
  };
}

/** What both sides share. */
interface SideParts {
  readonly gpu: Gpu;
  readonly model: LoadedModel;
  readonly modules: readonly AdaptedModule[];
  readonly capacities: readonly BatchCapacity[];
  readonly aligned: TensorReader;
  readonly unaligned: TensorReader;
}

interface OwnedSide extends Side {
  readonly destroy: () => void;
}

/** A trainer of its own adapter, which is as after some training: B is not zero. */
function createSide(
  name: RigSide,
  { gpu, model, modules, capacities, aligned, unaligned }: SideParts,
): Promise<OwnedSide> {
  return allOrNothing(async (own) => {
    const parameters = own(await ParameterStore.create(gpu, adapterLayout(modules)));
    writeAdapter(parameters, modules, (module) => {
      const { A, B } = initialAdapter(module, 1);
      return { A, B: B.map((_, i) => 0.01 * Math.sin(i)) };
    });
    const stats = await createStats(gpu, modules.length);
    own(stats.buffer);
    const context = { gpu, modules, parameters, stats, aligned, unaligned };
    const method = own(await bindMethod(RIG_METHODS[name]).prepare(context));
    const trainer = await Trainer.create({
      gpu,
      model,
      adapter: { modules, parameters },
      stats,
      settings: SETTINGS,
      capacities,
      ...(method.penalty ? { penalty: method.penalty } : {}),
    });
    const { activations, inputs } = trainer.bytes;
    return {
      trainer,
      bytes: model.bytes + activations + inputs + ParameterStore.bytes(parameters.layout) + method.bytes,
      destroy: () => {
        for (const one of [parameters, stats.buffer, method, trainer]) one.destroy();
      },
    };
  });
}

/** A side that was asked for. */
export function sideOf({ sides }: Rig, name: RigSide): Side {
  const side = sides[name];
  if (!side) throw new Error(`the rig has no ${name}`);
  return side;
}
