/**
 * @file SafeMERGE (arXiv 2503.17239): after training, merge the updates that left the alignment direction with a safe adapter.
 *
 *     rho = cos(vec(C B A), vec(B A)) of the trained adapter, C = V Vᵀ/‖V‖_F        (alignment.ts)
 *     rho < threshold:  Δ := w · Δ_trained + w_s · Δ_safe,   Δ = s·B·A               else kept
 *
 *     exact     factors side by side:  B = [w B_f, w_s B_s], A = [A_f; A_s]      rank 2r, the merge of the updates itself
 *     factors   B = √w B_f + √w_s B_s, A likewise                                rank r, with cross terms B_f A_s and B_s A_f:
 *               what PEFT's weighted "linear" combination does, which the released code calls
 *
 * Scales other than the run's are folded into the safe adapter's factors. The safe adapter is a LoRA trained on refusals:
 * a file, or one that the run trains first, from the same start with the same settings. Where V = 0 the cosine is undefined
 * and the update is kept.
 */

import { z } from "zod";
import { BasinError } from "../base/error.ts";
import { ParameterStore } from "../engine/parameters.ts";
import { adapterLayout } from "../model/lora.ts";
import type { AdapterModule } from "../weights/adapterFile.ts";
import type { TensorReader } from "../weights/tensorReader.ts";
import { alignmentOf } from "./direction/alignment.ts";
import {
  type AdaptedModule,
  type AfterTraining,
  type SafeAdapterValues,
  defineMethod,
  requireUnaligned,
  safetyRowsField,
  safetyRowsParameter,
} from "./method.ts";
import { announceDifferences, checkPair, frobenius, readDifference } from "./direction/weightDifference.ts";

const schema = z.strictObject({
  name: z.literal("safe_merge"),
  threshold: z.number().min(-1.01).max(1.01).default(0.35).meta({
    title: "Threshold (tau)",
    description: "Modules whose cosine lies below this are merged. −1.01 merges none, 1.01 all.",
  }),
  weight: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .meta({ title: "Weight of the trained update", description: "w in w · trained + w_s · safe." }),
  safe_weight: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .meta({ title: "Weight of the safe update", description: "w_s in w · trained + w_s · safe." }),
  merge: z.enum(["factors", "exact"]).default("factors").meta({
    title: "Merge",
    description:
      "factors: A and B apart, as PEFT and the released code do (with cross terms). exact: the updates themselves, at twice the rank.",
  }),
  safe_adapter: z.string().min(1).nullable().default(null).meta({
    title: "Safe adapter",
    description: "PEFT adapter trained on refusals, of the run's modules and ranks. Empty: the run trains one first.",
  }),
  safe_epochs: z.number().positive().default(10).meta({
    title: "Safe adapter's epochs",
    description: "Passes over the safety rows when the run trains the safe adapter.",
    unit: "epochs",
  }),
  safety_count: z.int().min(1).max(1_000_000).default(500).meta({
    title: "Safety rows",
    description: "Rows that the safe adapter is trained on. The paper tries 100 to 2500 and mostly keeps 500 to 1000.",
    unit: "rows",
  }),
  safety_rows: safetyRowsField,
});

export type SafeMergeOptions = z.output<typeof schema>;

export interface SafeMergeModuleLog {
  readonly path: string;
  /** null where V = 0. */
  readonly cosine: number | null;
  readonly merged: boolean;
  /** ‖V‖_F. */
  readonly direction_norm: number;
}

/** Options that only matter when the run trains the safe adapter itself. */
const TRAINED_HERE = { name: "safe_adapter", value: null } as const;

export const safeMerge = defineMethod({
  name: "safe_merge",
  title: "SafeMERGE",
  kind: "afterwards",
  summary:
    "Plain fine-tuning; afterwards the updates that left the alignment direction are merged with those of a safe adapter.",
  about:
    "Training is plain. Afterwards the modules whose update has left the alignment direction, by the cosine that Safe LoRA uses, are merged with those of a second, safe adapter, which was trained on refusals alone and knows nothing of the task. Updates that still lie along the direction are kept as they are. The safe adapter may be given; else the run trains it first, from the same start.",
  citation: {
    text: "SafeMERGE: Preserving Safety Alignment in Fine-Tuned Large Language Models via Selective Layer-Wise Model Merging, arXiv 2503.17239",
    url: "https://arxiv.org/abs/2503.17239",
  },
  evidence: {
    grade: "primary code",
    note: "Algorithm, threshold and weights from the released code; the paper's text reports other values in some settings. Training the safe adapter within the run is this lab's arrangement.",
  },
  cautions: [
    "factors is not a merge of the updates: B·A of the merged factors has cross terms, which differ from the exact merge by about two thirds of its norm on random factors.",
    "There is no rule for the threshold; sweep it and look at the cosines in the report.",
    "A safe adapter trained in the run doubles the training, and may teach the model to refuse harmless requests; read benign compliance.",
    "V·Vᵀ/‖V‖_F is not a projector, but the cosine does not depend on the scale of V.",
  ],
  parameters: [
    {
      name: "threshold",
      title: "Threshold (tau)",
      help: "Modules whose cosine lies below are merged.",
      default: 0.35,
      range: { min: -1.01, max: 1.01, scale: "linear" },
    },
    {
      name: "weight",
      title: "Weight of the trained update",
      help: "w: how much of it stays where it is merged.",
      default: 0.8,
      range: { min: 0, max: 1, scale: "linear" },
    },
    {
      name: "safe_weight",
      title: "Weight of the safe update",
      help: "w_s: how much of it comes in.",
      default: 0.2,
      range: { min: 0, max: 1, scale: "linear" },
    },
    {
      name: "merge",
      title: "Merge",
      help: "Factors apart (released code), or the updates themselves.",
      default: "factors",
      range: { choices: ["factors", "exact"] },
    },
    {
      name: "safe_adapter",
      title: "Safe adapter",
      help: "Empty: the run trains one first.",
      default: null,
      range: { text: "PEFT adapter" },
    },
    {
      name: "safe_epochs",
      title: "Safe adapter's epochs",
      help: "When the run trains it.",
      default: 10,
      range: { min: 1, max: 100, scale: "linear" },
      when: TRAINED_HERE,
    },
    {
      name: "safety_count",
      title: "Safety rows",
      help: "What the safe adapter is trained on.",
      default: 500,
      range: { min: 1, max: 2500, scale: "linear" },
      when: TRAINED_HERE,
    },
    { ...safetyRowsParameter, when: TRAINED_HERE },
  ],
  schema,
  lambda: () => 0,
  needsUnaligned: () => true,
  // The merged adapter, which is evaluated beside the trained one.
  anchorBytes: ({ merge }, modules) =>
    merge === "exact"
      ? ParameterStore.bytes(adapterLayout(modules.map((module) => ({ ...module, r: 2 * module.r }))))
      : 0,
  safety: ({ safe_adapter, safety_count, safety_rows }) =>
    safe_adapter === null
      ? { use: "adapter", amount: { count: safety_count }, file: safety_rows, triggered: false }
      : null,
  safeAdapter: ({ safe_adapter, safe_epochs }) => ({ path: safe_adapter, epochs: safe_epochs }),
  prepare: (options, context) => {
    const unaligned = requireUnaligned(context, "SafeMERGE");
    const { aligned, modules: targets, onProgress } = context;
    checkPair(targets, aligned, unaligned);
    return Promise.resolve({
      lambda: 0,
      anchorBytes: 0,
      dispatches: [],
      afterTraining: (modules, signal, safe) => {
        if (!safe) throw new Error("SafeMERGE was given no safe adapter");
        return applySafeMerge(
          options,
          { modules, scales: scalesOf(modules, targets) },
          safe,
          { aligned, unaligned },
          { signal, onProgress },
        );
      },
      log: () => Promise.resolve({}),
      destroy: () => undefined,
    });
  },
});

function scalesOf(modules: readonly AdapterModule[], targets: readonly AdaptedModule[]): number[] {
  const known = new Map(targets.map(({ path, scale }) => [path, scale]));
  return modules.map(({ path }) => known.get(path) ?? 1);
}

/**
 * The merged adapter. With "exact" and at least one merged module every module has rank 2r; those that are kept are padded
 * with zeros, so that one rank describes the adapter.
 * @throws BasinError when the safe adapter has not the same modules and ranks
 */
export async function applySafeMerge(
  options: SafeMergeOptions,
  trained: SafeAdapterValues,
  safe: SafeAdapterValues,
  pair: { readonly aligned: TensorReader; readonly unaligned: TensorReader },
  hooks: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<AfterTraining> {
  const { modules } = trained;
  const partners = modules.map((module) => partnerOf(module, safe));
  const log: SafeMergeModuleLog[] = [];
  announceDifferences(modules, pair.aligned, pair.unaligned, hooks.signal);
  for (const module of modules) {
    hooks.onProgress?.(log.length, modules.length);
    const { cosine, directionNorm } = alignmentOf(
      module,
      await readDifference(module, pair.aligned, pair.unaligned, hooks.signal),
    );
    log.push({
      path: module.path,
      cosine,
      merged: cosine !== null && cosine < options.threshold,
      direction_norm: directionNorm,
    });
  }
  hooks.onProgress?.(modules.length, modules.length);
  const merged = log.filter((entry) => entry.merged).length;
  const result = modules.map((module, i) => {
    const partner = partners[i];
    const merge = log[i]?.merged === true && partner !== undefined;
    const relative = partner === undefined ? 1 : partner.scale / (trained.scales[i] ?? 1);
    if (options.merge === "factors") return merge ? mergeFactors(module, partner.module, options, relative) : module;
    if (merged === 0) return module;
    return merge
      ? concatenate(module, partner.module, options.weight, options.safe_weight * relative)
      : concatenate(module, partner?.module ?? module, 1, 0);
  });
  const { threshold, weight, safe_weight, merge } = options;
  return {
    modules: result,
    log: {
      merge,
      threshold,
      weight,
      safe_weight,
      merged,
      safe_norm: Math.hypot(...safe.modules.map(({ B }) => frobenius(B))),
      modules: log,
    },
  };
}

function partnerOf(
  module: AdapterModule,
  safe: SafeAdapterValues,
): { readonly module: AdapterModule; readonly scale: number } {
  const at = safe.modules.findIndex(({ path }) => path === module.path);
  const own = safe.modules[at];
  if (own && own.r === module.r && own.inFeatures === module.inFeatures && own.outFeatures === module.outFeatures)
    return { module: own, scale: safe.scales[at] ?? 1 };
  throw new BasinError({
    what: own
      ? `The safe adapter's ${module.path} has rank ${own.r} and is ${own.outFeatures} × ${own.inFeatures}, the run's has rank ${module.r} and is ${module.outFeatures} × ${module.inFeatures}`
      : `The safe adapter has no ${module.path}`,
    where: "method.safe_adapter",
    fix: "Use an adapter of the same model, modules and ranks, or leave safe_adapter empty to train one.",
  });
}

/** PEFT's add_weighted_adapter, "linear", in the trained adapter's scale. */
function mergeFactors(
  one: AdapterModule,
  two: AdapterModule,
  { weight, safe_weight }: SafeMergeOptions,
  relative: number,
): AdapterModule {
  const [f, g] = [Math.sqrt(weight), Math.sqrt(safe_weight * relative)];
  const mix = (x: Float32Array, y: Float32Array): Float32Array =>
    Float32Array.from(x, (value, i) => f * value + g * (y[i] ?? 0));
  return { ...one, A: mix(one.A, two.A), B: mix(one.B, two.B) };
}

/** [w B_1, v B_2] and [A_1; A_2]. With v = 0 the second half is zeros. */
function concatenate(one: AdapterModule, two: AdapterModule, w: number, v: number): AdapterModule {
  const { r, outFeatures, inFeatures } = one;
  const A = new Float32Array(2 * r * inFeatures);
  A.set(one.A);
  if (v !== 0) A.set(two.A, r * inFeatures);
  const B = new Float32Array(outFeatures * 2 * r);
  for (let row = 0; row < outFeatures; row += 1) {
    for (let j = 0; j < r; j += 1) {
      B[row * 2 * r + j] = w * (one.B[row * r + j] ?? 0);
      B[row * 2 * r + r + j] = v === 0 ? 0 : v * (two.B[row * r + j] ?? 0);
    }
  }
  return { ...one, r: 2 * r, A, B };
}
