/**
 * @file SafeMERGE (arXiv 2503.17239): after training, merge the updates that left the alignment direction with a safe
 * adapter.
 *
 *     rho = cos(vec(C B A), vec(B A)) of the trained adapter, C = V Vᵀ/‖V‖_F        (direction/alignment.ts)
 *     rho < threshold:  Δ := w · Δ_trained + w_s · Δ_safe,   Δ = s·B·A               else unchanged
 *
 *     exact     factors side by side: B = [w B_f, w_s B_s], A = [A_f; A_s]    rank 2r, the merge of the updates itself
 *     factors   B = √w B_f + √w_s B_s, A likewise                             rank r, with cross terms B_f A_s, B_s A_f
 *
 * factors is what PEFT's weighted "linear" combination does, which the released code calls.
 *
 * Scales other than the run's are folded into the safe adapter's factors. The safe adapter is a LoRA trained on
 * refusals: a file, or one that the run trains first, from the same start with the same settings. Where V = 0 the
 * cosine is undefined and the update is left as it is.
 */

import { z } from "../base/zod.ts";
import { BasinError } from "../base/error.ts";
import { setting } from "../base/format.ts";
import { ParameterStore } from "../engine/parameters.ts";
import { adapterLayout } from "../model/lora.ts";
import type { AdapterModule } from "../weights/adapterFile.ts";
import { type DirectionSource, alignments } from "./direction/alignment.ts";
import { ALIGNMENT_COSINE } from "./direction/formula.ts";
import { checkPair, frobenius, pairOf } from "./direction/weightDifference.ts";
import type { MethodFormula } from "./description.ts";
import { type FormulaPiece, i, lines, o, row, space, sqrt, sub, text } from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";
import { safetyRowsOption } from "./safetyRowsOption.ts";
import type { AdaptedModule, AfterTraining, SafeAdapterValues } from "./stages.ts";

/** Options that only matter when the run trains the safe adapter itself. */
const TRAINED_HERE = { name: "safe_adapter", value: null } as const;

const schema = z.strictObject({
  name: z.literal("safe_merge"),
  threshold: option(z.number().min(-1.01).max(1.01).default(0.35), {
    title: "Threshold (tau)",
    description: "Modules whose cosine lies below this are merged. −1.01 merges none, 1.01 all.",
  }),
  weight: option(z.number().min(0).max(1).default(0.8), {
    title: "Weight of the trained update",
    description: "w in w · trained + w_s · safe.",
  }),
  safe_weight: option(z.number().min(0).max(1).default(0.2), {
    title: "Weight of the safe update",
    description: "w_s in w · trained + w_s · safe.",
  }),
  merge: option(z.enum(["factors", "exact"]).default("factors"), {
    title: "Merge",
    description:
      "factors: A and B apart, as PEFT and the released code do (with cross terms). exact: the updates themselves, " +
      "at twice the rank.",
    choices: { factors: "factors, as PEFT does", exact: "exact, at rank 2r" },
  }),
  safe_adapter: option(z.string().min(1).nullable().default(null), {
    title: "Safe adapter",
    description: "PEFT adapter trained on refusals, of the run's modules and ranks. Empty: the run trains one first.",
    names: "adapter",
  }),
  safe_epochs: option(z.number().positive().default(10), {
    title: "Epochs of the safe adapter",
    description: "Passes over the safety rows when the run trains the safe adapter.",
    unit: "epochs",
    when: TRAINED_HERE,
  }),
  safety_count: option(z.int().min(1).max(1_000_000).default(500), {
    title: "Safety rows",
    description: "Rows that the safe adapter is trained on. The paper tries 100 to 2500 and mostly keeps 500 to 1000.",
    unit: "rows",
    when: TRAINED_HERE,
  }),
  safety_rows: safetyRowsOption(TRAINED_HERE),
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

export const safeMerge = defineMethod({
  name: "safe_merge",
  title: "SafeMERGE",
  kind: "afterwards",
  summary:
    "Plain fine-tuning; afterwards the updates that left the alignment direction are merged with those of a safe " +
    "adapter.",
  about:
    "Training is plain. Afterwards the modules whose update has left the alignment direction, measured by Safe " +
    "LoRA's cosine, are merged with those of a second, safe adapter that was trained on refusals alone and knows " +
    "nothing of the task. Updates that still lie along the direction stay as they are. The safe adapter can be " +
    "given; otherwise the run trains it first, from the same start.",
  citation: {
    text:
      "SafeMERGE: Preserving Safety Alignment in Fine-Tuned Large Language Models via Selective Layer-Wise Model " +
      "Merging, arXiv 2503.17239",
    url: "https://arxiv.org/abs/2503.17239",
  },
  evidence: {
    grade: "primary code",
    note:
      "Algorithm, threshold and weights from the released code; the paper's text reports other values in some " +
      "settings. Training the safe adapter within the run is this lab's arrangement.",
  },
  cautions: [
    "factors does not merge the updates: B·A of the merged factors has cross terms, which differ from the exact " +
      "merge by about two thirds of its norm on random factors.",
    "There is no rule for the threshold: sweep it, and look at the cosines in the report.",
    "A safe adapter trained in the run doubles the training and may teach the model to refuse harmless requests: " +
      "look at Harmless answered.",
    "V·Vᵀ/‖V‖_F is not a projector, but the cosine does not depend on the scale of V.",
  ],
  marks: [{ id: "safe-merge", light: "#a12f40", dark: "#d78e8b", shape: "star" }],
  schema,
  settings: ({ threshold, weight, safe_weight, merge }) =>
    `threshold ${setting(threshold)}, ${setting(weight)} : ${setting(safe_weight)}, ${merge}`,
  formula: mergeFormula,
  log: {
    facts: {
      threshold: { title: "Threshold", as: "setting" },
      weight: { title: "Weight of the trained update", as: "setting" },
      safe_weight: { title: "Weight of the safe update", as: "setting" },
      merged: { title: "Modules merged" },
      safe_norm: { title: "‖B‖ of the safe adapter" },
    },
    modules: {
      cosine: { title: "cos(C·B·A, B·A)", draw: "bar" },
      merged: { title: "Merged" },
      direction_norm: { title: "‖V‖" },
    },
  },
  worldOptions: { threshold: 0.6, weight: 0.7, safe_weight: 0.3, safety_count: 200, safe_epochs: 3 },
  replay: {
    module: "safe_merge",
    files: { "safe_merge.py": () => import("../../python/export/safe_merge.py?raw") },
  },
  rows: ({ safe_adapter, safety_count, safety_rows }) => ({
    safety:
      safe_adapter === null ? { amount: { count: safety_count }, file: safety_rows, use: { kind: "adapter" } } : null,
  }),
  before: ({ safe_adapter, safe_epochs }) => ({
    twin: "compared",
    safeAdapter: safe_adapter === null ? { from: "rows", epochs: safe_epochs } : { from: "file", path: safe_adapter },
  }),
  // The merged adapter, which is evaluated beside the trained one.
  deviceBytes: ({ merge }, modules) =>
    merge === "exact"
      ? ParameterStore.bytes(adapterLayout(modules.map((module) => ({ ...module, r: 2 * module.r }))))
      : 0,
  prepare: (options, context) => {
    const pair = pairOf(context, "SafeMERGE");
    const { modules: targets, onProgress } = context;
    checkPair(targets, pair);
    return Promise.resolve({
      after: (modules, signal, safe) => {
        if (!safe) throw new Error("SafeMERGE was given no safe adapter");
        const trained = { modules, scales: scalesOf(modules, targets) };
        return applySafeMerge(options, trained, safe, { pair, signal, onProgress });
      },
    });
  },
});

function mergeFormula({ merge }: SafeMergeOptions): MethodFormula {
  const [delta, w, safeWeight] = [i("Δ"), i("w"), sub(i("w"), i("s"))];
  const factor = (letter: FormulaPiece): FormulaPiece =>
    row(letter, o("←"), row(sqrt(w), letter), o("+"), row(sqrt(safeWeight), sub(letter, text("safe"))));
  const mean = row(delta, o("←"), w, delta, o("+"), safeWeight, sub(delta, text("safe")));
  const condition = [i("ρ"), o("<"), i("τ"), o("⟹")];
  const letters = "V: aligned minus unaligned matrix; w, w_s: the two weights; ";
  return merge === "exact"
    ? {
        label: "Where rho is below tau, the update becomes w times itself plus w s times the safe update",
        formula: lines([ALIGNMENT_COSINE], [row(...condition, mean)]),
        letters: `${letters}Δ = (lora_alpha / r)·B·A; the merged adapter has twice the rank.`,
      }
    : {
        label:
          "Where rho is below tau, B becomes the root of w times B plus the root of w s times B safe, and A likewise",
        formula: lines([ALIGNMENT_COSINE], [row(...condition, factor(i("B")), o(","), space(), text("A likewise"))]),
        letters: `${letters}both adapters at the same lora_alpha / r. B·A of the merged factors has cross terms.`,
      };
}

function scalesOf(modules: readonly AdapterModule[], targets: readonly AdaptedModule[]): number[] {
  const known = new Map(targets.map(({ path, scale }) => [path, scale]));
  return modules.map(({ path }) => known.get(path) ?? 1);
}

/**
 * The merged adapter. With "exact" and at least one merged module every module has rank 2r; the others are padded with
 * zeros, so that one rank describes the adapter.
 * @throws BasinError when the safe adapter has not the same modules and ranks, or its factors cannot be merged
 */
export async function applySafeMerge(
  options: SafeMergeOptions,
  trained: SafeAdapterValues,
  safe: SafeAdapterValues,
  source: DirectionSource,
): Promise<AfterTraining> {
  const { modules } = trained;
  const partners = modules.map((module) => partnerOf(module, safe));
  const log: SafeMergeModuleLog[] = [];
  for await (const { module, cosine, directionNorm } of alignments(modules, source)) {
    const merged = cosine !== null && cosine < options.threshold;
    log.push({ path: module.path, cosine, merged, direction_norm: directionNorm });
  }
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
      ? `The safe adapter's ${module.path} has ${shapeText(own)}, the run's has ${shapeText(module)}`
      : `The safe adapter has no ${module.path}`,
    where: "method.safe_adapter",
    fix: "Use an adapter of the same model, modules and ranks, or leave safe_adapter empty to train one.",
  });
}

function shapeText({ r, outFeatures, inFeatures }: AdapterModule): string {
  return `rank ${r} and is ${outFeatures} × ${inFeatures}`;
}

/**
 * PEFT's add_weighted_adapter, "linear", in the trained adapter's scale.
 * @throws BasinError where the weight of the safe factors has no square root
 */
function mergeFactors(
  one: AdapterModule,
  two: AdapterModule,
  { weight, safe_weight }: SafeMergeOptions,
  relative: number,
): AdapterModule {
  const [f, g] = [Math.sqrt(weight), Math.sqrt(safe_weight * relative)];
  if (!Number.isFinite(g)) {
    throw new BasinError({
      what:
        `The safe adapter's ${one.path} has ${setting(relative)} times the scale (lora_alpha / r) of the trained ` +
        "one's, which has no square root to merge the factors by",
      where: "method.safe_adapter",
      fix: 'Set method.merge to "exact", or use a safe adapter whose lora_alpha is above 0.',
    });
  }
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
