/**
 * @file How far an update B·A lies along the alignment direction of its matrix: the measure of Safe LoRA and SafeMERGE,
 * and the plain cosine of the two as vectors.
 *
 *     C = V Vᵀ/‖V‖_F,  rho = cos(vec(C B A), vec(B A))
 *
 * Neither C nor B·A is formed (Gram form, derived): M = VᵀB, CB = V M/‖V‖_F, G = A Aᵀ,
 *
 *     rho = tr(MᵀM G) / sqrt(tr((V M)ᵀ(V M) G) · tr(BᵀB G))         the factor ‖V‖_F cancels
 *
 * All sums are f64 on the CPU: 2·out·in·r multiply-adds a module.
 */

import type { AdapterModule } from "../../weights/adapterFile.ts";
import { gramOfColumns, gramOfRows, hadamardSum } from "./gram.ts";
import {
  type CheckpointPair,
  type ReadingOptions,
  frobenius,
  prefetchDifferences,
  readDifference,
} from "./weightDifference.ts";

export interface Alignment {
  /** rho; null where V = 0; 0 where B·A = 0. */
  readonly cosine: number | null;
  /** V Vᵀ B, [outFeatures, r]: C B times ‖V‖_F. */
  readonly image: Float64Array;
  /** ‖V‖_F. */
  readonly directionNorm: number;
}

/** Where the alignment directions are read from. */
export interface DirectionSource extends ReadingOptions {
  readonly pair: CheckpointPair;
}

/** Each module with its alignment, in order; V is read and held for one module at a time. */
export async function* alignments(
  modules: readonly AdapterModule[],
  { pair, signal, onProgress }: DirectionSource,
): AsyncGenerator<Alignment & { readonly module: AdapterModule }> {
  prefetchDifferences(modules, pair, signal);
  for (const [done, module] of modules.entries()) {
    onProgress?.(done, modules.length);
    yield { module, ...alignmentOf(module, await readDifference(module, pair, signal)) };
  }
  onProgress?.(modules.length, modules.length);
}

/** @param v V, row-major [outFeatures, inFeatures] */
export function alignmentOf({ A, B, r, outFeatures, inFeatures }: AdapterModule, v: Float32Array): Alignment {
  const directionNorm = frobenius(v);
  const image = new Float64Array(outFeatures * r);
  if (directionNorm === 0) return { cosine: null, image, directionNorm };
  const m = new Float64Array(r * inFeatures);
  for (let row = 0; row < outFeatures; row += 1) {
    const line = v.subarray(row * inFeatures, (row + 1) * inFeatures);
    for (let j = 0; j < r; j += 1) {
      const factor = B[row * r + j] ?? 0;
      const at = j * inFeatures;
      for (let c = 0; c < inFeatures; c += 1) m[at + c] = (m[at + c] ?? 0) + factor * (line[c] ?? 0);
    }
  }
  for (let row = 0; row < outFeatures; row += 1) {
    const line = v.subarray(row * inFeatures, (row + 1) * inFeatures);
    for (let j = 0; j < r; j += 1) {
      const at = j * inFeatures;
      let sum = 0;
      for (let c = 0; c < inFeatures; c += 1) sum += (line[c] ?? 0) * (m[at + c] ?? 0);
      image[row * r + j] = sum;
    }
  }
  const gramA = gramOfRows(A, r, inFeatures);
  const numerator = hadamardSum(gramOfRows(m, r, inFeatures), gramA);
  const imageSquared = hadamardSum(gramOfColumns(image, image, outFeatures, r), gramA);
  const updateSquared = hadamardSum(gramOfColumns(B, B, outFeatures, r), gramA);
  const product = imageSquared * updateSquared;
  return { cosine: product > 0 ? numerator / Math.sqrt(product) : 0, image, directionNorm };
}

/**
 * cos(BA, V), both as one vector: how much of the update is movement along the alignment direction (signed: negative
 * where it undoes the alignment), from Σ B ∘ (V Aᵀ). Its square is the share of ‖BA‖² inside span{V}.
 * @param v V, row-major [outFeatures, inFeatures]
 * @returns null where V = 0 or BA = 0
 */
export function directionCosine(
  { A, B, r, outFeatures, inFeatures }: Omit<AdapterModule, "path">,
  v: Float32Array,
): number | null {
  let inner = 0;
  for (let row = 0; row < outFeatures; row += 1) {
    const line = v.subarray(row * inFeatures, (row + 1) * inFeatures);
    for (let j = 0; j < r; j += 1) {
      const a = A.subarray(j * inFeatures, (j + 1) * inFeatures);
      let sum = 0;
      for (let c = 0; c < inFeatures; c += 1) sum += (line[c] ?? 0) * (a[c] ?? 0);
      inner += (B[row * r + j] ?? 0) * sum;
    }
  }
  const norms =
    frobenius(v) * Math.sqrt(hadamardSum(gramOfColumns(B, B, outFeatures, r), gramOfRows(A, r, inFeatures)));
  return norms > 0 ? inner / norms : null;
}
