/** @file Everything that a landscape is computed from, opened; and what it takes, before anything is allocated. */
import {
  perturbedBytes,
  PerturbedModel,
  type Direction,
  type PerturbedModelOptions,
} from "../../analysis/landscape/perturbedModel.ts";
import { readValues } from "../../analysis/landscape/readValues.ts";
import { pointPlan, type PointPlan } from "../../analysis/landscape/pointScores.ts";
import { BasinError } from "../../base/error.ts";
import { elementCount } from "../../engine/tensor.ts";
import { evaluationSize } from "../../eval/evaluationPlan.ts";
import { openingExamples } from "../../eval/openings.ts";
import { linearModules, type WeightSpec } from "../../model/layout.ts";
import { adapterScale, decodeAdapter, type Adapter } from "../../weights/adapterFile.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import { AdapterUpdate } from "../../weights/mergeModel.ts";
import { matchTargetModules } from "../../weights/targetModules.ts";
import { budgetText, bufferLimits, gibibytes, limitsOf, memoryBudget } from "../plan/deviceMemory.ts";
import { generationMemory } from "../plan/runMemory.ts";
import { prepareEvaluationAlone } from "../run/evaluation.ts";
import { adapterModules, openModelFiles, requireTokenizer, type ModelFiles } from "../run/textModel.ts";
import type { LandscapeOptions } from "./landscapeRun.ts";
import type { LandscapeSettings } from "./landscapeSpec.ts";
import { directionSources, type DirectionSource } from "./surveys.ts";

export interface OpenedLandscape {
  readonly files: ModelFiles;
  readonly plan: PointPlan;
  readonly judge: string;
  readonly notes: readonly string[];
  /** Weights and directions on the device. */
  readonly load: () => Promise<PerturbedModel>;
}

/** A direction with what the plan must know of it. */
interface OpenedDirection {
  readonly direction: Direction;
  /** Whether it is held on the device for this tensor. */
  readonly changes: (weight: WeightSpec) => boolean;
}

/** @throws BasinError as `runLandscape` */
export async function openLandscape(options: LandscapeOptions): Promise<OpenedLandscape> {
  const { gpu, spec, environment, signal } = options;
  const { experiment, landscape } = spec;
  const files = await openModelFiles(environment, experiment.model.aligned, signal);
  const tokenizer = requireTokenizer(files);
  const prepared = await prepareEvaluationAlone(experiment, files, environment);
  const plan = pointPlan(prepared.plan, landscape.margin, tokenizer);
  const sources = directionSources(landscape);
  const directions = await Promise.all(sources.map((source) => openDirection(source, files, options)));
  const merged = spec.adapter === null ? null : await openAdapter(spec.adapter, files, options);
  const inScope = scopeOf(landscape, files);
  const perturbed: PerturbedModelOptions = {
    gpu,
    config: files.config,
    name: files.name,
    reader: files.checkpoint,
    merged: (weight) => merged?.(weight),
    directions: directions.map(({ direction }) => direction),
    inScope,
    ...(signal ? { signal } : {}),
  };
  const weights = perturbedBytes(perturbed, (weight) => directions.filter(({ changes }) => changes(weight)).length);
  const { quantization } = experiment.model;
  return {
    files,
    plan,
    judge: prepared.judge,
    notes: [
      ...prepared.notes,
      ...(quantization === null ? [] : [`The model is not quantised to ${quantization}: it is moved in float32.`]),
      ...refuseUnfit(options, files, plan, weights),
    ],
    load: () => PerturbedModel.create(perturbed),
  };
}

/** Which tensors are moved. */
function scopeOf({ scope }: LandscapeSettings, { config }: ModelFiles): (weight: WeightSpec) => boolean {
  if (scope === "all") return () => true;
  const paths = matchTargetModules(
    scope,
    linearModules(config).map(({ path }) => path),
  );
  const names = new Set(paths.map((path) => `${path}.weight`));
  return ({ name }) => names.has(name);
}

async function openDirection(
  source: DirectionSource,
  files: ModelFiles,
  options: LandscapeOptions,
): Promise<OpenedDirection> {
  switch (source.kind) {
    case "noise":
      return { direction: source, changes: () => false };
    case "unaligned":
      return openTwin(files, options);
    case "adapter": {
      const update = await openAdapter(source.name, files, options);
      return {
        direction: { kind: "stored", values: (weight) => Promise.resolve(updateOf(update(weight), weight)) },
        changes: (weight) => update(weight) !== undefined,
      };
    }
  }
}

function updateOf(update: AdapterUpdate | undefined, { shape }: WeightSpec): Float32Array<ArrayBuffer> | null {
  if (update === undefined) return null;
  const values = new Float32Array(elementCount(shape));
  update.addTo(values, 0);
  return values;
}

/** W_unaligned − W_aligned. */
async function openTwin(
  { checkpoint }: ModelFiles,
  { spec, environment, signal }: LandscapeOptions,
): Promise<OpenedDirection> {
  const name = spec.experiment.model.unaligned;
  if (name === null)
    throw new BasinError({
      what: "There is no unaligned model, so no alignment direction",
      where: "model.unaligned",
      fix: "Name the model from before alignment.",
    });
  const twin: Checkpoint = await environment.openModel(name, signal);
  return {
    direction: {
      kind: "stored",
      values: async (weight) => {
        const difference = await readValues(twin, weight, signal);
        const own = await readValues(checkpoint, weight, signal);
        for (let i = 0; i < own.length; i += 1) difference[i] = (difference[i] ?? 0) - (own[i] ?? 0);
        return difference;
      },
    },
    changes: () => true,
  };
}

/** The updates of an adapter by tensor. @throws BasinError when it does not fit the model */
async function openAdapter(
  name: string,
  { config }: ModelFiles,
  { environment, signal }: LandscapeOptions,
): Promise<(weight: WeightSpec) => AdapterUpdate | undefined> {
  const adapter: Adapter = decodeAdapter(await environment.readAdapter(name, signal), name);
  adapterModules(config, adapter, name);
  const modules = new Map(adapter.modules.map((module) => [`${module.path}.weight`, module]));
  return ({ name: tensor }) => {
    const module = modules.get(tensor);
    return module && new AdapterUpdate(module, adapterScale(adapter.config, module.path));
  };
}

/**
 * Notes on memory that is only assumed to be too little.
 * @throws BasinError, with the bytes, where it is certain that the landscape does not fit
 */
function refuseUnfit(
  { gpu, spec: { experiment }, environment }: LandscapeOptions,
  { config, tokenizer }: ModelFiles,
  { evaluation, harmful, margin, reference }: PointPlan,
  weights: number,
): string[] {
  const limits = limitsOf(gpu, environment.systemMemory ?? null);
  const size = evaluationSize(evaluation, tokenizer);
  const texts = [...margin.refusal, ...margin.compliance];
  const openings =
    tokenizer === null ? [] : harmful.flatMap((ask) => openingExamples(ask, texts, "whole", tokenizer, null));
  const read = [...size.read, ...reference, ...openings.map(({ example }) => example)];
  const { bytes } = generationMemory(
    experiment,
    { config, dtype: () => "f32", modules: [] },
    { ...size, read },
    bufferLimits(limits),
  );
  const budget = memoryBudget(experiment, limits);
  if (weights + bytes <= budget.bytes) return [];
  const what =
    `The landscape needs ${gibibytes(weights + bytes)} of device memory (weights, their originals and directions in ` +
    `float32: ${gibibytes(weights)}; answering: ${gibibytes(bytes)}) and may take ${budgetText(budget)}`;
  if (budget.source === "default") return [`${what}.`];
  throw new BasinError({
    what,
    where: "landscape.scope",
    fix: "Name fewer modules in landscape.scope, lower eval.batch_size, or choose a smaller model.",
  });
}
