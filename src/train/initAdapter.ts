/**
 * @file A fresh adapter, drawn as PEFT does by default: A from U(-1/sqrt(in), 1/sqrt(in)) (kaiming_uniform with a =
 * sqrt 5), B = 0. The generator is Basin's own (sfc32 seeded with the run's seed and the module's path), so the values
 * are reproducible here but are not those that torch draws; a replay in PyTorch takes them from the run's folder.
 */

import type { ParameterStore } from "../engine/parameters.ts";
import type { AdaptedModule } from "../model/lora.ts";
import { Rng } from "../base/rng.ts";

export interface AdapterValues {
  readonly A: Float32Array;
  readonly B: Float32Array;
}

export function initialAdapter(module: AdaptedModule, seed: number): AdapterValues {
  const rng = new Rng(`adapter/${seed}/${module.path}`);
  const bound = 1 / Math.sqrt(module.inFeatures);
  const A = Float32Array.from(
    { length: module.r * module.inFeatures },
    () => ((2 * rng.uint32()) / 2 ** 32 - 1) * bound,
  );
  return { A, B: new Float32Array(module.outFeatures * module.r) };
}

/** Write an adapter's values and clear the optimiser's moments. */
export function writeAdapter(
  parameters: ParameterStore,
  modules: readonly AdaptedModule[],
  values: (module: AdaptedModule) => AdapterValues,
): void {
  for (const module of modules) {
    const { A, B } = values(module);
    parameters.write("values", module.a, A);
    parameters.write("values", module.b, B);
    for (const moment of ["moment1", "moment2"] as const) {
      parameters.write(moment, module.a, new Float32Array(A.length));
      parameters.write(moment, module.b, new Float32Array(B.length));
    }
  }
}
