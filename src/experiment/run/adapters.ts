/** @file Between the adapter on the device and PEFT's files: start values, and reading the trained adapter back. */
import { BasinError } from "../../base/error.ts";
import type { ParameterStore } from "../../engine/parameters.ts";
import type { AdaptedModule } from "../../model/lora.ts";
import { initialAdapter, writeAdapter, type AdapterValues } from "../../train/initAdapter.ts";
import {
  adapterScale,
  adapterSettings,
  decodeAdapter,
  type Adapter,
  type AdapterModule,
} from "../../weights/adapterFile.ts";
import type { RunEnvironment } from "./environment.ts";
import type { Spec } from "../spec/spec.ts";
import { trainedModel } from "../spec/trainedModel.ts";

/** The settings of an adapter all of whose ranks are `factor` times as large, and whose scales are the same. */
export function grownLora(lora: Spec["lora"], factor: number): Spec["lora"] {
  const alpha = lora.use_rslora ? Math.sqrt(factor) : factor;
  const times = (pattern: Readonly<Record<string, number>>, by: number): Record<string, number> =>
    Object.fromEntries(Object.entries(pattern).map(([key, value]) => [key, value * by]));
  return {
    ...lora,
    r: lora.r * factor,
    lora_alpha: lora.lora_alpha * alpha,
    rank_pattern: times(lora.rank_pattern, factor),
    alpha_pattern: times(lora.alpha_pattern, alpha),
  };
}

/** Start values on the device: those of `lora.init_adapter`, else drawn from the seed. */
export async function startAdapter(
  spec: Spec,
  modules: readonly AdaptedModule[],
  parameters: ParameterStore,
  environment: RunEnvironment,
  signal?: AbortSignal,
): Promise<void> {
  const path = spec.lora.init_adapter;
  if (path === null) {
    writeAdapter(parameters, modules, (module) => initialAdapter(module, spec.train.seed));
    return;
  }
  const values = initialValues(decodeAdapter(await environment.readAdapter(path, signal), path), modules, path);
  writeAdapter(parameters, modules, (module) => values.get(module.path) ?? initialAdapter(module, spec.train.seed));
}

/** The values of an adapter that has exactly the run's modules, ranks and scales. */
function initialValues(
  adapter: Adapter,
  modules: readonly AdaptedModule[],
  path: string,
): ReadonlyMap<string, AdapterValues> {
  const where = `lora.init_adapter ${path}`;
  // In the words of the spec, ready to be pasted.
  const settings = `In the spec: "lora": ${JSON.stringify(adapterSettings(adapter))}`;
  const given = new Map(adapter.modules.map((module) => [module.path, module]));
  for (const module of modules) {
    const own = given.get(module.path);
    if (!own)
      throw new BasinError({
        what: `The adapter has no ${module.path}, which target_modules names`,
        where,
        fix: `Set target_modules to what the adapter has. ${settings}`,
      });
    if (own.r !== module.r || own.inFeatures !== module.inFeatures || own.outFeatures !== module.outFeatures) {
      throw new BasinError({
        what:
          `The adapter's ${module.path} has rank ${own.r} and is ${own.outFeatures} × ${own.inFeatures}, ` +
          `the run asks for rank ${module.r} and ${module.outFeatures} × ${module.inFeatures}`,
        where,
        fix: own.r === module.r ? "Choose an adapter of this model." : `Take the ranks from the adapter. ${settings}`,
      });
    }
    const scale = adapterScale(adapter.config, module.path);
    if (Math.abs(scale - module.scale) > 1e-6 * Math.abs(scale)) {
      throw new BasinError({
        what: `The adapter scales ${module.path} by ${scale}, the run by ${module.scale}`,
        where,
        fix: `Take the scales from the adapter. ${settings}`,
      });
    }
  }
  const surplus = adapter.modules.find(({ path: own }) => !modules.some((module) => module.path === own));
  if (surplus)
    throw new BasinError({
      what: `The adapter also changes ${surplus.path}, which target_modules leaves out`,
      where,
      fix: `Set target_modules to what the adapter has. ${settings}`,
    });
  return given;
}

/** Values of an adapter onto the device; the optimiser's moments stay. */
export function writeModules(
  parameters: ParameterStore,
  modules: readonly AdaptedModule[],
  values: readonly AdapterModule[],
): void {
  const given = new Map(values.map((module) => [module.path, module]));
  for (const { path, a, b } of modules) {
    const own = given.get(path);
    if (!own) continue;
    parameters.write("values", a, own.A);
    parameters.write("values", b, own.B);
  }
}

/** The adapter as it stands on the device. */
export async function readAdapterBack(
  spec: Spec,
  modules: readonly AdaptedModule[],
  parameters: ParameterStore,
): Promise<Adapter> {
  const values = await parameters.readAll("values");
  const { r, lora_alpha, lora_dropout, target_modules, use_rslora, rank_pattern, alpha_pattern } = spec.lora;
  return {
    config: {
      r,
      lora_alpha,
      lora_dropout,
      target_modules,
      use_rslora,
      rank_pattern,
      alpha_pattern,
      base_model_name_or_path: trainedModel(spec),
    },
    modules: modules.map(({ path, r: rank, inFeatures, outFeatures, a, b }) => ({
      path,
      r: rank,
      inFeatures,
      outFeatures,
      A: values.get(a) ?? new Float32Array(),
      B: values.get(b) ?? new Float32Array(),
    })),
  };
}
