/**
 * @file SPLoRA (arXiv 2506.18931): after training, remove the update of the modules that depart most from the alignment
 * subspace.
 *
 *     V = W_aligned - W_unaligned,  C = V Vᵀ/‖V‖_F,  d_m = ‖C B A - B A‖_F        m: a targeted matrix
 *     score by d_m or by cos(C B A, B A);  the chosen modules: B := 0
 *
 * C and B·A are not formed: with Y = C B - B and G = A Aᵀ, d² = Σ (YᵀY) ∘ G (derived).
 *
 * **Scores.** The paper's E-DIEM sets a distance beside an expected one over its spread; its printed form was not at
 * hand, so `reconstruction` takes centre and spread over the modules of the adapter:
 *
 *     variance    (max d - min d) · (d_m - mean d) / var d        sample variance, as torch.var
 *     quartiles   (d_m - median d) / (Q3 - Q1 + 1e-6)
 *
 * `released` is what the released code computes: it estimates centre and spread from 50 copies of the same pair, so the
 * distance cancels and 1 - (Q1(C B A) - Q1(B A)) is left (Q1: the first quartile of the entries), the same module by
 * module as E-DIEM's quartile variant there; its variant by standard deviation is 0 for every module. `cosine` is Safe
 * LoRA's measure, not rounded.
 *
 * **Choice.** `reconstruction` prunes the largest scores, `cosine` the smallest. `released` takes the N-th largest
 * score as threshold and prunes what is at most that, as its code does: all but N - 1 modules. Modules with V = 0 have
 * no score and stay, as NaN does in the released code's comparison.
 */

import { z } from "../base/zod.ts";
import { setting } from "../base/format.ts";
import { quantile } from "../base/quantile.ts";
import type { AdapterModule } from "../weights/adapterFile.ts";
import { type Alignment, type DirectionSource, alignments } from "./direction/alignment.ts";
import { PUBLISHED_OPERATOR } from "./direction/formula.ts";
import { gramOfColumns, gramOfRows, hadamardSum } from "./direction/gram.ts";
import { productQuantile } from "./direction/productQuantile.ts";
import { checkPair, pairOf } from "./direction/weightDifference.ts";
import { i, lines, n, norm, o, row, space, sub } from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";
import type { AfterTraining } from "./stages.ts";

const schema = z.strictObject({
  name: z.literal("splora"),
  score: option(z.enum(["reconstruction", "released", "cosine"]).default("reconstruction"), {
    title: "Score",
    description:
      "reconstruction: the distance between the update and its image under C, centred over the modules. released: " +
      "what the released code computes. cosine: Safe LoRA's cosine.",
    choices: {
      reconstruction: "distance (reconstruction)",
      released: "as released",
      cosine: "cosine (Safe LoRA)",
    },
  }),
  spread: option(z.enum(["quartiles", "variance"]).default("quartiles"), {
    title: "Centre and spread",
    description: "Over the modules: median and interquartile range, or mean and variance.",
    choices: { quartiles: "median, interquartile range", variance: "mean, variance" },
    when: { name: "score", value: "reconstruction" },
  }),
  select: option(z.enum(["number", "threshold"]).default("number"), {
    title: "Select modules by",
    description:
      "number: prune the num_pruned_layers modules that depart most. threshold: prune those beyond the threshold.",
    choices: { number: "a number of modules", threshold: "a threshold" },
  }),
  threshold: option(z.number().default(0.5), {
    title: "Threshold",
    description:
      "Score from which a module is pruned (reconstruction), or up to which it is pruned (released, cosine).",
    when: { name: "select", value: "threshold" },
  }),
  num_pruned_layers: option(z.int().min(0).default(10), {
    title: "Modules to prune",
    description:
      "How many targeted matrices lose their update (number mode). With the released score all but so many, less " +
      "one, do.",
    when: { name: "select", value: "number" },
  }),
});

export type SploraOptions = z.output<typeof schema>;

export interface SploraModuleLog {
  readonly path: string;
  /** null where V = 0 or, with the released score, where C B A = B A. */
  readonly score: number | null;
  readonly pruned: boolean;
  /** ‖C B A - B A‖_F; null where V = 0. */
  readonly distance: number | null;
  readonly cosine: number | null;
  /** ‖B A‖_F before. */
  readonly update_norm: number;
  /** ‖V‖_F. */
  readonly direction_norm: number;
  /** Multiplications and additions of this module's adapter for one token. */
  readonly flops: number;
}

const [A, B, C, d] = [i("A"), i("B"), i("C"), i("d")];

export const splora = defineMethod({
  name: "splora",
  title: "SPLoRA",
  kind: "afterwards",
  summary: "Plain fine-tuning; afterwards the modules whose update departs most from the alignment lose it.",
  about:
    "Training is plain. Afterwards each update B·A is compared with its image under C = V·Vᵀ/‖V‖_F, where V is the " +
    "aligned minus the unaligned matrix. The modules whose update lies farthest from its image are pruned: B becomes " +
    "zero, so the module is the aligned model's again, and its adapter costs nothing any more.",
  citation: {
    text:
      "Safe Pruning LoRA: Robust Distance-Guided Pruning for Safety Alignment in Adaptation of LLMs, TACL 2025, " +
      "arXiv 2506.18931",
    url: "https://arxiv.org/abs/2506.18931",
  },
  evidence: {
    grade: "reconstruction",
    note:
      "Pipeline and the released score from the released code. The printed E-DIEM equation was not at hand: the " +
      "default score is a reconstruction.",
  },
  cautions: [
    "The released code's score does not depend on the distance: it estimates centre and spread from 50 copies of one " +
      "pair. Its variant by standard deviation is 0 for every module.",
    "With the released score, number mode prunes all modules but N − 1, and those with the smallest scores first.",
    "The distance grows with the size of an update, so large updates are pruned first whatever their direction; the " +
      "cosine score does not depend on their size.",
    "C is not a projector: its largest eigenvalue may be below or above 1, so even an update along V can lie far " +
      "from its image.",
  ],
  marks: [{ id: "splora", light: "#3f032f", dark: "#666c13", shape: "hourglass" }],
  schema,
  settings: ({ score, spread, select, num_pruned_layers, threshold }) =>
    (select === "number" ? `${num_pruned_layers} modules` : `threshold ${setting(threshold)}`) +
    (score === "reconstruction" ? `, distance by ${spread}` : `, ${score} score`),
  formula: () => ({
    label:
      "d is the Frobenius norm of C B A minus B A; in the modules that depart most, B becomes zero. C is V times V " +
      "transposed over the Frobenius norm of V",
    formula: lines(
      [row(sub(d, i("m")), o("="), norm(row(C, B, A, o("−"), B, A)), o(","), space(), PUBLISHED_OPERATOR)],
      [row(i("s"), o("("), sub(d, i("m")), o(")"), o("≥"), i("τ"), o("⟹"), B, o("←"), n("0"))],
    ),
    letters:
      "V: aligned minus unaligned matrix; s: the distance, centred and scaled over the modules, or another score; τ: " +
      "the threshold, or the score of the last module to prune.",
  }),
  log: {
    facts: {
      score: { title: "Score" },
      threshold: { title: "Threshold", as: "setting" },
      pruned: { title: "Modules pruned" },
      flops_saved: { title: "Adapter FLOPs saved", as: "share" },
    },
    modules: {
      score: { title: "Score", draw: "bar" },
      pruned: { title: "Pruned" },
      distance: { title: "‖C·B·A − B·A‖" },
      cosine: { title: "cos(C·B·A, B·A)" },
      update_norm: { title: "‖B·A‖" },
      direction_norm: { title: "‖V‖" },
      flops: { title: "FLOPs per token", as: "count" },
    },
  },
  replay: {
    module: "splora",
    files: {
      "splora.py": () => import("../../python/export/splora.py?raw"),
      "safe_lora.py": () => import("../../python/export/safe_lora.py?raw"),
    },
  },
  worldOptions: { num_pruned_layers: 4 },
  before: () => ({ twin: "compared" }),
  prepare: (options, context) => {
    const pair = pairOf(context, "SPLoRA");
    const { onProgress } = context;
    // Better now than after an hour of training.
    checkPair(context.modules, pair);
    return Promise.resolve({ after: (modules, signal) => applySplora(options, modules, { pair, signal, onProgress }) });
  },
});

/** An update and what is known of it. */
type Measured = Omit<SploraModuleLog, "score" | "pruned"> & {
  readonly module: AdapterModule;
  /** The released code's score; null unless it is wanted. */
  readonly released: number | null;
};

/** The pruned adapter, with each module's score. */
export async function applySplora(
  options: SploraOptions,
  modules: readonly AdapterModule[],
  source: DirectionSource,
): Promise<AfterTraining> {
  const measured: Measured[] = [];
  for await (const alignment of alignments(modules, source)) measured.push(measure(alignment, options.score));
  const scores = scoresOf(options, measured);
  const { chosen, threshold } = choose(options, scores);
  const total = measured.reduce((sum, { flops }) => sum + flops, 0);
  const saved = measured.reduce((sum, { flops }, index) => sum + (chosen.has(index) ? flops : 0), 0);
  return {
    modules: modules.map((module, index) =>
      chosen.has(index) ? { ...module, B: new Float32Array(module.B.length) } : module,
    ),
    log: {
      score: options.score === "reconstruction" ? `reconstruction, ${options.spread}` : options.score,
      select: options.select,
      threshold,
      pruned: chosen.size,
      flops_saved: total > 0 ? saved / total : 0,
      modules: measured.map(({ module: _, released: __, path, ...figures }, index): SploraModuleLog => {
        return { path, score: scores[index] ?? null, pruned: chosen.has(index), ...figures };
      }),
    },
  };
}

function measure(
  { module, cosine, image, directionNorm }: Alignment & { readonly module: AdapterModule },
  score: string,
): Measured {
  const { path, A, B, r, outFeatures, inFeatures } = module;
  const gramA = gramOfRows(A, r, inFeatures);
  const moved = image.map((value) => (directionNorm > 0 ? value / directionNorm : 0));
  const departure = moved.map((value, at) => value - (B[at] ?? 0));
  const length = (x: Float32Array | Float64Array): number =>
    Math.sqrt(Math.max(0, hadamardSum(gramOfColumns(x, x, outFeatures, r), gramA)));
  const distance = directionNorm > 0 ? length(departure) : null;
  const quartile = (left: Float32Array | Float64Array): number =>
    productQuantile({ left, right: A, rows: outFeatures, r, columns: inFeatures }, 0.25);
  const released =
    score === "released" && distance !== null && distance > 0 ? 1 - (quartile(moved) - quartile(B)) : null;
  return {
    module,
    path,
    distance,
    cosine,
    update_norm: length(B),
    direction_norm: directionNorm,
    flops: 2 * r * (inFeatures + outFeatures),
    released,
  };
}

function scoresOf({ score, spread }: SploraOptions, measured: readonly Measured[]): readonly (number | null)[] {
  if (score === "cosine") return measured.map(({ cosine }) => cosine);
  if (score === "released") return measured.map(({ released }) => released);
  const distances = measured.flatMap(({ distance }) => (distance === null ? [] : [distance]));
  const centred = spread === "variance" ? byVariance(distances) : byQuartiles(distances);
  return measured.map(({ distance }) => (distance === null ? null : centred(distance)));
}

/** (max - min) · (d - mean) / var; 0 where all distances are equal. */
function byVariance(distances: readonly number[]): (distance: number) => number {
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  const variance = distances.reduce((sum, distance) => sum + (distance - mean) ** 2, 0) / (distances.length - 1);
  const range = Math.max(...distances) - Math.min(...distances);
  return (distance) => (range > 0 ? (range * (distance - mean)) / variance : 0);
}

function byQuartiles(distances: readonly number[]): (distance: number) => number {
  const sorted = distances.toSorted((a, b) => a - b);
  const [q1, median, q3] = [quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)];
  return (distance) => (distance - median) / (q3 - q1 + 1e-6);
}

/** Which modules are pruned, by index, and the score of the last of them. */
function choose(
  { score, select, threshold, num_pruned_layers }: SploraOptions,
  scores: readonly (number | null)[],
): { readonly chosen: ReadonlySet<number>; readonly threshold: number | null } {
  const entries = scores.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const upTo = (limit: number): ReadonlySet<number> =>
    new Set(entries.flatMap(({ value, index }) => (value <= limit ? [index] : [])));
  const from = (limit: number): ReadonlySet<number> =>
    new Set(entries.flatMap(({ value, index }) => (value >= limit ? [index] : [])));
  if (select === "threshold")
    return { chosen: score === "reconstruction" ? from(threshold) : upTo(threshold), threshold };
  if (num_pruned_layers === 0 || entries.length === 0) return { chosen: new Set(), threshold: null };
  // Sorting is stable: of equal scores the first modules are taken.
  const descending = entries.toSorted((a, b) => b.value - a.value);
  const nth = Math.min(num_pruned_layers, entries.length) - 1;
  if (score === "released") {
    const limit = descending[nth]?.value ?? 0;
    return { chosen: upTo(limit), threshold: limit };
  }
  const order = score === "cosine" ? entries.toSorted((a, b) => a.value - b.value) : descending;
  return {
    chosen: new Set(order.slice(0, nth + 1).map(({ index }) => index)),
    threshold: order[nth]?.value ?? null,
  };
}
