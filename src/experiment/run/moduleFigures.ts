/**
 * @file One figure per adapted module, reported every few steps: its share of the penalty, or how far it has moved.
 *
 *     a method with a penalty    the module's part of P, as the step counted it; all parts together are `penalty`
 *     any other                  ‖B·A‖_F after the step (without lora_alpha / r), in f64 from the trained matrices
 *
 * Parts of the penalty come back with every step anyway; norms are computed on the CPU, Σ BᵀB ∘ AAᵀ, for the reported
 * steps alone. A run reports at most 200 columns, fewer where the norms of large adapters would cost more than seconds
 * in all.
 */
import type { ParameterStore } from "../../engine/parameters.ts";
import { gramOfColumns, gramOfRows, hadamardSum } from "../../methods/direction/gram.ts";
import type { AdaptedModule } from "../../model/lora.ts";
import type { ModuleColumn, ModuleQuantity } from "./observations.ts";

export const MOST_COLUMNS = 200;

/** Multiply-adds that all norms of a run may take together: some ten seconds of one CPU core. */
const NORM_BUDGET = 1e10;

export class ModuleFigures {
  readonly quantity: ModuleQuantity;
  readonly paths: readonly string[];
  /** Steps from one column to the next. */
  readonly interval: number;
  readonly #modules: readonly AdaptedModule[];
  readonly #totalSteps: number;

  constructor(modules: readonly AdaptedModule[], totalSteps: number, quantity: ModuleQuantity) {
    this.#modules = modules;
    this.#totalSteps = totalSteps;
    this.quantity = quantity;
    this.paths = modules.map(({ path }) => path);
    this.interval = Math.max(1, Math.ceil(totalSteps / mostColumns(modules, quantity)));
  }

  /** Whether step `step` (counted from 1) has a column. */
  due(step: number): boolean {
    return step % this.interval === 0 || step === this.#totalSteps;
  }

  /** @param penalties of the step, in module order */
  async column(step: number, penalties: Float32Array, parameters: ParameterStore): Promise<ModuleColumn> {
    const values =
      this.quantity === "penalty" ? [...penalties] : updateNorms(this.#modules, await parameters.readAll("values"));
    // Nine digits give an f32 back as it was.
    return { step, values: values.map((value) => Number(value.toPrecision(9))) };
  }
}

/** ‖B·A‖_F of each module, in f64. */
export function updateNorms(modules: readonly AdaptedModule[], values: ReadonlyMap<string, Float32Array>): number[] {
  return modules.map(({ path, a, b, r, inFeatures, outFeatures }) => {
    const [A, B] = [values.get(a), values.get(b)];
    if (!A || !B) throw new Error(`${path} has no A and B`);
    return Math.sqrt(Math.max(0, hadamardSum(gramOfColumns(B, B, outFeatures, r), gramOfRows(A, r, inFeatures))));
  });
}

function mostColumns(modules: readonly AdaptedModule[], quantity: ModuleQuantity): number {
  if (quantity === "penalty") return MOST_COLUMNS;
  const cost = modules.reduce((sum, { inFeatures, outFeatures, r }) => sum + (inFeatures + outFeatures) * r * r, 0);
  return Math.min(MOST_COLUMNS, Math.max(2, Math.floor(NORM_BUDGET / Math.max(1, cost))));
}
