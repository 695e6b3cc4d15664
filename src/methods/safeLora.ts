/**
 * @file Safe LoRA (arXiv 2405.16833): after training, project the updates that depart most from the alignment
 * direction.
 *
 *     V = W_aligned - W_unaligned,  C = V Vᵀ/‖V‖_F,  rho = cos(vec(C B A), vec(B A))
 *     rho <= threshold:  B := C B  (A untouched)
 *
 * Neither C nor B·A is formed (direction/alignment.ts). As in the released code the cosine is rounded to 5 decimals, a
 * module is projected when it is at most the threshold, and number mode takes the K-th smallest cosine as threshold, so
 * equal cosines may project more than K modules. Base weights and alpha/r play no part. Where V = 0 or B·A = 0 the
 * cosine is undefined (the released code gets NaN, or 0 by torch's epsilon): V = 0 leaves the module alone, as NaN does
 * there; B·A = 0 counts as cosine 0, and projecting it changes nothing.
 */

import { z } from "../base/zod.ts";
import { setting } from "../base/format.ts";
import type { AdapterModule } from "../weights/adapterFile.ts";
import { type Alignment, type DirectionSource, alignments } from "./direction/alignment.ts";
import { ALIGNMENT_COSINE } from "./direction/formula.ts";
import { checkPair, frobenius, pairOf } from "./direction/weightDifference.ts";
import { i, lines, o, row } from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";
import type { AfterTraining } from "./stages.ts";

const schema = z.strictObject({
  name: z.literal("safe_lora"),
  select: option(z.enum(["number", "threshold"]).default("number"), {
    title: "Select modules by",
    description:
      "number: project the num_proj_layers modules with the smallest cosine. threshold: project those whose cosine " +
      "is at most the threshold.",
    choices: { number: "a number of modules", threshold: "a threshold" },
  }),
  threshold: option(z.number().min(-1).max(1).default(0.5), {
    title: "Threshold",
    description:
      "Cosine between the update and its projection at or below which a module is projected (threshold mode).",
    when: { name: "select", value: "threshold" },
  }),
  num_proj_layers: option(z.int().min(1).default(10), {
    title: "Modules to project",
    description:
      "How many targeted matrices are projected (number mode). A layer is one targeted matrix here, as in the " +
      "released code.",
    when: { name: "select", value: "number" },
  }),
});

export type SafeLoraOptions = z.output<typeof schema>;

export interface SafeLoraModuleLog {
  readonly path: string;
  /** Rounded to 5 decimals; null where V = 0. */
  readonly cosine: number | null;
  readonly projected: boolean;
  /** ‖B‖_F. */
  readonly b_norm_before: number;
  readonly b_norm_after: number;
  /** ‖V‖_F. */
  readonly direction_norm: number;
}

const [B, C] = [i("B"), i("C")];

export const safeLora = defineMethod({
  name: "safe_lora",
  title: "Safe LoRA",
  kind: "afterwards",
  summary:
    "Plain fine-tuning; afterwards the updates that point away from the alignment direction are projected onto it.",
  about:
    "Training is plain. Afterwards each update B·A is compared with its image under C = V·Vᵀ/‖V‖_F, where V is the " +
    "aligned minus the unaligned matrix. A small cosine means that the update has left the alignment direction: B is " +
    "replaced by C·B, and A stays as it is. This needs no data and no training.",
  citation: {
    text:
      "Safe LoRA: the Silver Lining of Reducing Safety Risks when Fine-tuning Large Language Models, NeurIPS 2024, " +
      "arXiv 2405.16833",
    url: "https://arxiv.org/abs/2405.16833",
  },
  evidence: {
    grade: "primary code",
    note: "Algorithm and defaults from the released code; of the paper, the abstract and a figure were read.",
  },
  cautions: [
    "C = V·Vᵀ/‖V‖_F is not idempotent: a projected B is scaled by the magnitude of C, which usually shrinks it a " +
      "lot. The report gives ‖B‖ before and after.",
    "The cosine does not depend on the scale of V; the projected B does.",
    "Number mode compares with the K-th smallest cosine, so equal cosines may project more than K modules.",
  ],
  marks: [{ id: "safe-lora", light: "#b67a09", dark: "#f8a618", shape: "up" }],
  schema,
  settings: ({ select, num_proj_layers, threshold }) =>
    select === "number" ? `${num_proj_layers} modules projected` : `threshold ${setting(threshold)}`,
  formula: () => ({
    label:
      "rho is the cosine of C B A and B A; where rho is at most tau, B becomes C B. C is V times V transposed over " +
      "the Frobenius norm of V",
    formula: lines([ALIGNMENT_COSINE], [row(i("ρ"), o("≤"), i("τ"), o("⟹"), B, o("←"), C, B)]),
    letters:
      "V: aligned minus unaligned matrix; τ: the threshold, or the K-th smallest ρ. lora_alpha / r plays no part.",
  }),
  log: {
    facts: {
      select: { title: "Chosen by" },
      threshold: { title: "Threshold", as: "setting" },
      projected: { title: "Modules projected" },
    },
    modules: {
      cosine: { title: "cos(C·B·A, B·A)", draw: "bar" },
      projected: { title: "Projected" },
      b_norm_before: { title: "‖B‖ before" },
      b_norm_after: { title: "‖B‖ after" },
      direction_norm: { title: "‖V‖" },
    },
  },
  replay: {
    module: "safe_lora",
    files: { "safe_lora.py": () => import("../../python/export/safe_lora.py?raw") },
  },
  before: () => ({ twin: "compared" }),
  prepare: (options, context) => {
    const pair = pairOf(context, "Safe LoRA");
    const { onProgress } = context;
    // Better now than after an hour of training.
    checkPair(context.modules, pair);
    return Promise.resolve({
      after: (modules, signal) => applySafeLora(options, modules, { pair, signal, onProgress }),
    });
  },
});

/** An update, and what projecting it gives: C B, and the cosine that decides; undefined where V = 0. */
interface Candidate extends Pick<Alignment, "directionNorm"> {
  readonly module: AdapterModule;
  readonly projection: { readonly cosine: number; readonly image: Float64Array } | undefined;
}

/** The projected adapter, with each module's cosine. */
export async function applySafeLora(
  options: SafeLoraOptions,
  modules: readonly AdapterModule[],
  source: DirectionSource,
): Promise<AfterTraining> {
  const candidates: Candidate[] = [];
  for await (const { module, cosine, image, directionNorm } of alignments(modules, source)) {
    const projection =
      cosine === null ? undefined : { cosine: round5(cosine), image: image.map((value) => value / directionNorm) };
    candidates.push({ module, projection, directionNorm });
  }
  const threshold =
    options.select === "threshold" ? options.threshold : kthSmallest(candidates, options.num_proj_layers);
  const log: SafeLoraModuleLog[] = [];
  const result = candidates.map(({ module, projection, directionNorm }) => {
    const projected = projection !== undefined && projection.cosine <= threshold;
    const edited = projected ? Float32Array.from(projection.image) : module.B;
    log.push({
      path: module.path,
      cosine: projection?.cosine ?? null,
      projected,
      b_norm_before: frobenius(module.B),
      b_norm_after: frobenius(edited),
      direction_norm: directionNorm,
    });
    return projected ? { ...module, B: edited } : module;
  });
  return {
    modules: result,
    log: { select: options.select, threshold, projected: log.filter((entry) => entry.projected).length, modules: log },
  };
}

/** The K-th smallest cosine; the largest when there are fewer, as a slice of a sorted array gives. */
function kthSmallest(candidates: readonly Candidate[], k: number): number {
  const cosines = candidates
    .flatMap(({ projection }) => (projection === undefined ? [] : [projection.cosine]))
    .sort((a, b) => a - b);
  return cosines[Math.min(k, cosines.length) - 1] ?? Number.NEGATIVE_INFINITY;
}

function round5(value: number): number {
  return Math.round(value * 1e5) / 1e5;
}
