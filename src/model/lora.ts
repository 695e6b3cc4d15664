/**
 * @file Which modules carry an adapter, and how their tensors are named and laid out.
 */

import { type ParameterLayout, type ParameterStore, layoutParameters } from "../engine/parameters.ts";
import { type LoraSettings, loraScale } from "../weights/adapterConfig.ts";
import type { LinearModule } from "./layout.ts";

/** One adapted module: y += scale · B(A(dropout(x))). */
export interface AdaptedModule {
  readonly path: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly r: number;
  /** alpha / r, or alpha / sqrt(r) with rsLoRA. */
  readonly scale: number;
  /** Names in the parameter store: A is [r, inFeatures], B is [outFeatures, r]. */
  readonly a: string;
  readonly b: string;
}

/** An adapter's values on the device. */
export interface AdapterOnDevice {
  readonly modules: readonly AdaptedModule[];
  readonly parameters: ParameterStore;
}

export function adaptedModule(module: LinearModule, settings: LoraSettings): AdaptedModule {
  return {
    path: module.path,
    outFeatures: module.outFeatures,
    inFeatures: module.inFeatures,
    r: settings.r,
    scale: loraScale(settings),
    a: `${module.path}.lora_A`,
    b: `${module.path}.lora_B`,
  };
}

/** The flat layout of all A and B, in module order. */
export function adapterLayout(modules: readonly AdaptedModule[]): ParameterLayout {
  return layoutParameters(
    modules.flatMap((module) => [
      { name: module.a, shape: [module.r, module.inFeatures] },
      { name: module.b, shape: [module.outFeatures, module.r] },
    ]),
  );
}
