/** @file A golden run on the real engine: same checkpoint, same starting adapter, same batches in the same order. */

import type { Gpu } from "../../src/engine/device.ts";
import { ParameterStore } from "../../src/engine/parameters.ts";
import type { QuantisedDType } from "../../src/engine/tensor.ts";
import { quantisedType } from "../../src/experiment/run/quantization.ts";
import type { AdapterOnDevice } from "../../src/model/lora.ts";
import { bindMethod } from "../../src/methods/registry.ts";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules } from "../../src/model/layout.ts";
import { type LoadedModel, loadModel } from "../../src/model/loadModel.ts";
import { adaptedModule, adapterLayout } from "../../src/model/lora.ts";
import { batchSize, packBatch, examplesAt } from "../../src/batch/packBatch.ts";
import { epochSteps, stepsPerEpoch } from "../../src/train/epochs.ts";
import { writeAdapter } from "../../src/train/initAdapter.ts";
import { bucketCapacities, capacityFor } from "../../src/train/capacities.ts";
import { learningRate } from "../../src/train/schedule.ts";
import { Trainer, createStats } from "../../src/train/trainer.ts";
import type { Adapter, AdapterModule } from "../../src/weights/adapterFile.ts";
import { matchTargetModules } from "../../src/weights/targetModules.ts";
import { type Golden, type GoldenModel, type GoldenRun, type GoldenStep, openGolden, readAdapter } from "./golden.ts";

export async function loadGolden(
  gpu: Gpu,
  model: GoldenModel,
  quantization: QuantisedDType | null = null,
): Promise<LoadedModel> {
  const checkpoint = await openGolden(model, "aligned");
  return loadModel(gpu, parseConfig(checkpoint.config), checkpoint, { name: model, quantization });
}

/** An adapter's modules and values on the device. */
export async function placeAdapter(
  gpu: Gpu,
  model: LoadedModel,
  adapter: Adapter,
  targets: readonly string[] | string,
): Promise<AdapterOnDevice> {
  const all = linearModules(model.config);
  const paths = new Set(
    matchTargetModules(
      targets,
      all.map(({ path }) => path),
    ),
  );
  const modules = all.filter(({ path }) => paths.has(path)).map((module) => adaptedModule(module, adapter.config));
  const values = new Map(adapter.modules.map((module) => [module.path, module]));
  const parameters = await ParameterStore.create(gpu, adapterLayout(modules));
  writeAdapter(parameters, modules, ({ path }) => {
    const value = values.get(path);
    if (!value) throw new Error(`the adapter has no module ${path}`);
    return value;
  });
  return { modules, parameters };
}

export interface EngineRun {
  readonly steps: readonly GoldenStep[];
  /** By the optimiser step's number (from 1), then "<module>.lora_A"; penalty included, before clipping. */
  readonly gradients: ReadonlyMap<number, ReadonlyMap<string, Float32Array>>;
  readonly start: readonly AdapterModule[];
  readonly final: readonly AdapterModule[];
}

export interface EngineRunOptions {
  /** Overrides the spec's: the same batches back to back, or padded. */
  readonly packing?: boolean;
  readonly keepGradients?: readonly number[];
  /** Compute layers again in the reverse pass instead of keeping them. */
  readonly checkpoint?: boolean;
  /** Overrides the spec's. */
  readonly dropout?: number;
  /** Take only so many steps. */
  readonly maxSteps?: number;
  /** Frozen weights to train on instead of those that the spec says; destroyed at the end. */
  readonly loaded?: LoadedModel;
}

/** Train as the run's spec says. */
export async function trainOnEngine(
  gpu: Gpu,
  model: GoldenModel,
  golden: Pick<Golden, "rows">,
  run: Pick<GoldenRun, "spec">,
  options: EngineRunOptions = {},
): Promise<EngineRun> {
  const { spec } = run;
  const packing = options.packing ?? spec.data.packing;
  const loaded = options.loaded ?? (await loadGolden(gpu, model, quantisedType(spec.model)));
  const adapter = await readAdapter(model, spec.lora.init_adapter ?? "");
  const { modules, parameters } = await placeAdapter(gpu, loaded, adapter, spec.lora.target_modules);
  const stats = await createStats(gpu, modules.length);
  const bound = bindMethod(spec.method);
  const method = await bound.prepare({
    gpu,
    modules,
    parameters,
    stats,
    aligned: await openGolden(model, "aligned"),
    unaligned: await openGolden(model, "unaligned"),
  });

  const plan = { ...spec.train, shuffle: spec.data.shuffle };
  const perEpoch = stepsPerEpoch(golden.rows.length, plan);
  const total = Math.ceil(perEpoch * spec.train.num_train_epochs);
  const epochs = Array.from({ length: Math.ceil(total / perEpoch) }, (_, epoch) =>
    epochSteps(golden.rows.length, plan, epoch),
  );
  const schedule = epochs.flatMap((steps, epoch) =>
    steps.map((batches) => ({ epoch, batches: batches.map((indices) => examplesAt(golden.rows, indices)) })),
  );
  const capacities = bucketCapacities(
    schedule.flatMap(({ batches }) => batches.map((examples) => batchSize(examples, packing))),
    2,
  );
  const trainer = await Trainer.create({
    gpu,
    model: loaded,
    adapter: { modules, parameters },
    stats,
    settings: { ...spec.train, lora_dropout: options.dropout ?? spec.lora.lora_dropout },
    capacities,
    activationCheckpointing: options.checkpoint ?? false,
    ...(method.penalty ? { penalty: method.penalty } : {}),
  });
  const gradients = new Map<number, ReadonlyMap<string, Float32Array>>();
  const steps: GoldenStep[] = [];
  for (const [index, { epoch, batches }] of schedule.slice(0, Math.min(total, options.maxSteps ?? total)).entries()) {
    const learning_rate = learningRate(spec.train, index, total, epoch);
    const packed = batches.map((examples) =>
      packBatch(examples, { packing, capacity: capacityFor(capacities, batchSize(examples, packing)) }),
    );
    const { ce, penalty, loss, grad_norm } = await trainer.step(packed, learning_rate);
    steps.push({ ce, penalty, loss, learning_rate, grad_norm });
    if (options.keepGradients?.includes(index + 1)) gradients.set(index + 1, await parameters.readAll("gradients"));
  }
  const values = await parameters.readAll("values");
  const valueOf = (name: string): Float32Array => values.get(name) ?? new Float32Array();
  const final = modules.map(({ path, r, inFeatures, outFeatures, a, b }) => ({
    path,
    r,
    inFeatures,
    outFeatures,
    A: valueOf(a),
    B: valueOf(b),
  }));
  trainer.destroy();
  method.destroy();
  parameters.destroy();
  stats.buffer.destroy();
  loaded.destroy();
  return { steps, gradients, start: adapter.modules, final };
}
