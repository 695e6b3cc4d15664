/**
 * @file What the anchored penalty does, per module and in total: its value, how near it is to plain L2, and how much of
 * the update lies along the alignment direction. In f64 on the CPU, from A, B and the device's X = (I - C) B.
 *
 *     norm² = ‖BA‖_F² = Σ BᵀB ∘ AAᵀ      ratio  = penalty / norm²: near 1 the anchor does what plain L2 does
 *     P     = ‖XA‖_F² = Σ XᵀX ∘ AAᵀ      cosine = cos(C BA, BA), with C B = B - X: Safe LoRA's measure
 */

import type { Gpu } from "../../engine/device.ts";
import type { ParameterStore } from "../../engine/parameters.ts";
import { readFloats } from "../readFloats.ts";
import { hadamardSum, gramOfColumns, gramOfRows } from "../direction/gram.ts";
import type { AnchorGroup } from "./plan.ts";
import { type DirectionFacts, UNKNOWN_DIRECTION } from "./anchors.ts";
import { factorsOf } from "../adapterWindow.ts";
import type { AdaptedModule, MethodLog } from "../stages.ts";
import type { Penalty } from "./penalty.ts";
import { submitOnce } from "./submitOnce.ts";

export interface ModuleDiagnostics {
  readonly path: string;
  /** Penalty before lambda. */
  readonly penalty: number;
  /** ‖BA‖_F², times s² where the penalty acts on s·B·A. */
  readonly update_norm_squared: number;
  /** penalty / update_norm_squared; null while the update is zero. */
  readonly ratio: number | null;
  readonly direction_norm: number | null;
  readonly largest_eigenvalue: number | null;
  readonly basis_rank: number | null;
  /** cos(C BA, BA); null where there is no direction or no update. */
  readonly cosine: number | null;
  /** cos(BA, V) as vectors: negative where the update undoes the alignment; null without a direction or an update. */
  readonly direction_cosine: number | null;
  /**
   * Share of ‖BA‖_F² inside what stays free: span{V}, its positive half, or the first k left singular vectors. null for
   * safe_lora, whose C is no projector, and where there is no update.
   */
  readonly inside_share: number | null;
}

export interface DiagnosticsInput {
  readonly gpu: Gpu;
  readonly parameters: ParameterStore;
  readonly penalty: Penalty;
  readonly facts: readonly DirectionFacts[];
  /** s² or 1 per module. */
  readonly factor: (module: AdaptedModule) => number;
  /** As in the penalty. */
  readonly oneSided: boolean;
}

/** Runs the thin products once; touches neither gradients nor stats. */
export async function diagnose(input: DiagnosticsInput): Promise<ModuleDiagnostics[]> {
  const { gpu, parameters, penalty } = input;
  const values = await parameters.readAll("values");
  const result: ModuleDiagnostics[] = [];
  for (const { group, dispatches } of penalty.products) {
    const size = 16 * group.members.length * group.outFeatures * group.r4;
    const stack = await submitOnce(gpu, dispatches, async () =>
      group.form === "plain" ? undefined : readFloats(gpu, { ...penalty.x, size }),
    );
    group.members.forEach(({ module, index }, place) => {
      const { A, B } = factorsOf(module, values);
      const x = stack ? unpad(stack, place, group) : B;
      result[index] = diagnosticsOf(input, group, { module, index }, measure(group, A, B, x, input.oneSided));
    });
  }
  return result;
}

function diagnosticsOf(
  { facts, factor }: DiagnosticsInput,
  { form }: AnchorGroup,
  { module, index }: AnchorGroup["members"][number],
  { penalty, normSquared, cosine, directionCosine }: Measured,
): ModuleDiagnostics {
  const { norm, largestEigenvalue, basisRank } = facts[index] ?? UNKNOWN_DIRECTION;
  const s2 = factor(module);
  const ratio = normSquared > 0 ? penalty / normSquared : null;
  return {
    path: module.path,
    penalty: s2 * penalty,
    update_norm_squared: s2 * normSquared,
    ratio,
    direction_norm: norm,
    largest_eigenvalue: largestEigenvalue,
    basis_rank: basisRank,
    cosine,
    direction_cosine: directionCosine,
    inside_share: ratio !== null && (form === "direction" || form === "basis") ? 1 - ratio : null,
  };
}

/**
 * As reported: sums over all modules, then each module. `direction_share`: share of Σ ‖BA‖² inside each one's span{V}.
 */
export function summarise(modules: readonly ModuleDiagnostics[]): MethodLog {
  const sum = (pick: (module: ModuleDiagnostics) => number): number =>
    modules.reduce((total, module) => total + pick(module), 0);
  const penalty = sum((module) => module.penalty);
  const updateNorm = sum((module) => module.update_norm_squared);
  const along = sum(({ direction_cosine: cosine, update_norm_squared: norm }) => (cosine ?? 0) ** 2 * norm);
  const known = updateNorm > 0 && modules.some((module) => module.direction_cosine !== null);
  return {
    penalty,
    update_norm_squared: updateNorm,
    ratio: updateNorm > 0 ? penalty / updateNorm : null,
    direction_share: known ? along / updateNorm : null,
    modules,
  };
}

function unpad(stack: Float32Array, place: number, { outFeatures, r, r4 }: AnchorGroup): Float32Array {
  const result = new Float32Array(outFeatures * r);
  for (let row = 0; row < outFeatures; row += 1) {
    const begin = (place * outFeatures + row) * 4 * r4;
    result.set(stack.subarray(begin, begin + r), row * r);
  }
  return result;
}

interface Measured {
  /** On B·A, before lambda and s². */
  readonly penalty: number;
  readonly normSquared: number;
  readonly cosine: number | null;
  readonly directionCosine: number | null;
}

/** `x` is X, or E = V̂Aᵀ for the form `direction`. */
function measure(
  { form, outFeatures, inFeatures, r }: AnchorGroup,
  a: Float32Array,
  b: Float32Array,
  x: Float32Array,
  oneSided: boolean,
): Measured {
  const gramA = gramOfRows(a, r, inFeatures);
  const normSquared = hadamardSum(gramOfColumns(b, b, outFeatures, r), gramA);
  if (form === "plain") return { penalty: normSquared, normSquared, cosine: null, directionCosine: null };
  if (form === "direction") {
    let c = 0;
    for (let i = 0; i < b.length; i += 1) c += (b[i] ?? 0) * (x[i] ?? 0);
    const directionCosine = normSquared > 0 ? c / Math.sqrt(normSquared) : null;
    const free = oneSided ? Math.max(0, c) : c;
    return {
      penalty: Math.max(0, normSquared - free * free),
      normSquared,
      cosine: directionCosine === null ? null : Math.abs(directionCosine),
      directionCosine,
    };
  }
  const penalty = hadamardSum(gramOfColumns(x, x, outFeatures, r), gramA);
  const along = Float64Array.from(b, (value, i) => value - (x[i] ?? 0));
  const product = hadamardSum(gramOfColumns(along, b, outFeatures, r), gramA);
  const alongSquared = hadamardSum(gramOfColumns(along, along, outFeatures, r), gramA);
  const cosine = normSquared > 0 && alongSquared > 0 ? product / Math.sqrt(alongSquared * normSquared) : null;
  return { penalty, normSquared, cosine, directionCosine: null };
}
