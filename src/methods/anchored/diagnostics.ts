/**
 * @file What the anchored penalty is doing, per module and in total: its value, how near it is to plain L2, and how much of the
 * update lies along the alignment direction. In f64 on the processor, from A, B and the device's X = (I - C) B.
 *
 *     norm² = ‖BA‖_F² = Σ BᵀB ∘ AAᵀ          ratio  = penalty / norm²     near 1: the anchor does nothing that plain L2 would not
 *     P     = ‖XA‖_F² = Σ XᵀX ∘ AAᵀ          cosine = cos(C BA, BA), with C B = B - X   (Safe LoRA's measure)
 */

import type { Gpu } from "../../engine/device.ts";
import type { ParameterStore } from "../../engine/parameters.ts";
import { Program } from "../../engine/program.ts";
import { readStorage } from "../../engine/storage.ts";
import { hadamardSum, gramOfColumns, gramOfRows } from "../direction/gram.ts";
import type { AnchorGroup } from "./plan.ts";
import type { DirectionFacts } from "./anchors.ts";
import type { AdaptedModule, MethodLog } from "../method.ts";
import type { Penalty } from "./penalty.ts";

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
  /** cos(BA, V) as vectors, signed: negative where the update undoes the alignment; null without a direction or an update. */
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
  const { gpu, parameters, penalty, facts, factor, oneSided } = input;
  const values = await parameters.readAll("values");
  const result: ModuleDiagnostics[] = [];
  for (const { group, dispatches } of penalty.products) {
    const program = await Program.fromDispatches(gpu, dispatches);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    program.record(pass);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const size = 16 * group.members.length * group.outFeatures * group.r4;
    const stack =
      group.form === "plain"
        ? undefined
        : new Float32Array(await readStorage(gpu, { parts: [{ row: 0, rows: 1, view: { ...penalty.x, size } }] }));
    program.destroy();
    group.members.forEach(({ module, index }, place) => {
      const a = values.get(module.a);
      const b = values.get(module.b);
      const known = facts[index];
      if (!a || !b || !known) throw new Error(`${module.path} has no A and B`);
      const x = stack ? unpad(stack, place, group) : b;
      const measured = measure(group, a, b, x, oneSided);
      const s2 = factor(module);
      result[index] = {
        path: module.path,
        penalty: s2 * measured.penalty,
        update_norm_squared: s2 * measured.normSquared,
        ratio: measured.normSquared > 0 ? measured.penalty / measured.normSquared : null,
        direction_norm: known.norm,
        largest_eigenvalue: known.largestEigenvalue,
        basis_rank: known.basisRank,
        cosine: measured.cosine,
        direction_cosine: measured.directionCosine,
        inside_share:
          measured.normSquared > 0 && (group.form === "direction" || group.form === "basis")
            ? 1 - measured.penalty / measured.normSquared
            : null,
      };
    });
  }
  return result;
}

/** The report's form: sums over all modules, then each module. `direction_share`: share of Σ ‖BA‖² inside each module's span{V}. */
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

/** `x` is X, or E = V̂Aᵀ for the form `direction`. */
function measure(
  { form, outFeatures, inFeatures, r }: AnchorGroup,
  a: Float32Array,
  b: Float32Array,
  x: Float32Array,
  oneSided: boolean,
): { penalty: number; normSquared: number; cosine: number | null; directionCosine: number | null } {
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
