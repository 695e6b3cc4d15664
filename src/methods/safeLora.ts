/**
 * @file Safe LoRA (arXiv 2405.16833): after training, project the updates that depart most from the alignment direction.
 *
 *     V = W_aligned - W_unaligned,  C = V Vᵀ/‖V‖_F,  rho = cos(vec(C B A), vec(B A))
 *     rho <= threshold:  B := C B  (A untouched)
 *
 * Neither C nor B·A is formed (alignment.ts).
 * As in the released code the cosine is rounded to 5 decimals, a module is projected when it is at most the threshold, and
 * number mode takes the K-th smallest cosine as threshold, so equal cosines may project more than K modules. Base weights
 * and alpha/r play no part. Where V = 0 or B·A = 0 the cosine is undefined (the released code gets NaN, or 0 by torch's
 * epsilon): V = 0 leaves the module alone, as NaN does there; B·A = 0 counts as cosine 0, and projecting it changes nothing.
 */

import { z } from "zod";
import type { AdapterModule } from "../weights/adapterFile.ts";
import type { TensorReader } from "../weights/tensorReader.ts";
import { alignmentOf } from "./direction/alignment.ts";
import { type AfterTraining, defineMethod, requireUnaligned } from "./method.ts";
import { announceDifferences, checkPair, frobenius, readDifference } from "./direction/weightDifference.ts";

const schema = z.strictObject({
  name: z.literal("safe_lora"),
  select: z.enum(["number", "threshold"]).default("number").meta({
    title: "Choose modules by",
    description:
      "number: project the num_proj_layers modules with the smallest cosine. threshold: project those whose cosine is at most the threshold.",
  }),
  threshold: z.number().min(-1).max(1).default(0.5).meta({
    title: "Threshold",
    description:
      "Cosine between the update and its projection at or below which a module is projected (threshold mode).",
  }),
  num_proj_layers: z.int().min(1).default(10).meta({
    title: "Modules to project",
    description:
      "How many targeted matrices are projected (number mode). A layer is one targeted matrix here, as in the released code.",
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

export const safeLora = defineMethod({
  name: "safe_lora",
  title: "Safe LoRA",
  kind: "afterwards",
  summary:
    "Plain fine-tuning; afterwards the adapters that point away from the alignment direction are projected onto it.",
  about:
    "Training is plain. Afterwards each update B·A is compared with its image under C = V·Vᵀ/‖V‖_F, V being the aligned minus the unaligned matrix. Where the cosine of the two is small, the update has left the alignment direction, and B is replaced by C·B; A stays. No data and no training are needed for it.",
  citation: {
    text: "Safe LoRA: the Silver Lining of Reducing Safety Risks when Fine-tuning Large Language Models, NeurIPS 2024, arXiv 2405.16833",
    url: "https://arxiv.org/abs/2405.16833",
  },
  evidence: {
    grade: "primary code",
    note: "Algorithm and defaults from the released code; of the paper, the abstract and a figure were read.",
  },
  cautions: [
    "C = V·Vᵀ/‖V‖_F is not idempotent: a projected B is scaled by the magnitude of C, which usually shrinks it strongly. The report gives ‖B‖ before and after.",
    "The cosine does not depend on the scale of V, the projected B does.",
    "Number mode compares with the K-th smallest cosine, so equal cosines may project more than K modules.",
  ],
  parameters: [
    {
      name: "select",
      title: "Choose modules by",
      help: "A number of modules, or a threshold on the cosine.",
      default: "number",
      range: { choices: ["number", "threshold"] },
    },
    {
      name: "num_proj_layers",
      title: "Modules to project",
      help: "Those with the smallest cosine.",
      default: 10,
      range: { min: 1, max: 1000, scale: "linear" },
      when: { name: "select", value: "number" },
    },
    {
      name: "threshold",
      title: "Threshold",
      help: "Modules whose cosine is at most this are projected.",
      default: 0.5,
      range: { min: -1, max: 1, scale: "linear" },
      when: { name: "select", value: "threshold" },
    },
  ],
  schema,
  lambda: () => 0,
  needsUnaligned: () => true,
  anchorBytes: () => 0,
  prepare: (options, context) => {
    const unaligned = requireUnaligned(context, "Safe LoRA");
    const { aligned, modules: targets, onProgress } = context;
    // Better now than after an hour of training.
    checkPair(targets, aligned, unaligned);
    let log: AfterTraining["log"] = {};
    return Promise.resolve({
      lambda: 0,
      anchorBytes: 0,
      dispatches: [],
      afterTraining: async (modules, signal) => {
        const result = await applySafeLora(options, modules, { aligned, unaligned }, { signal, onProgress });
        log = result.log;
        return result;
      },
      log: () => Promise.resolve(log),
      destroy: () => undefined,
    });
  },
});

interface Candidate {
  readonly module: AdapterModule;
  /** C B in f64; undefined where V = 0. */
  readonly projected: Float64Array | undefined;
  readonly cosine: number | null;
  readonly directionNorm: number;
}

/** The projected adapter, with each module's cosine. */
export async function applySafeLora(
  options: SafeLoraOptions,
  modules: readonly AdapterModule[],
  pair: { readonly aligned: TensorReader; readonly unaligned: TensorReader },
  hooks: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<AfterTraining> {
  const candidates: Candidate[] = [];
  announceDifferences(modules, pair.aligned, pair.unaligned, hooks.signal);
  for (const module of modules) {
    hooks.onProgress?.(candidates.length, modules.length);
    const v = await readDifference(module, pair.aligned, pair.unaligned, hooks.signal);
    candidates.push(project(module, v));
  }
  hooks.onProgress?.(modules.length, modules.length);
  const threshold =
    options.select === "threshold" ? options.threshold : kthSmallest(candidates, options.num_proj_layers);
  const log: SafeLoraModuleLog[] = [];
  const result = candidates.map(({ module, projected, cosine, directionNorm }) => {
    const take = projected !== undefined && cosine !== null && cosine <= threshold;
    const B = take ? Float32Array.from(projected) : module.B;
    log.push({
      path: module.path,
      cosine,
      projected: take,
      b_norm_before: frobenius(module.B),
      b_norm_after: frobenius(B),
      direction_norm: directionNorm,
    });
    return take ? { ...module, B } : module;
  });
  return {
    modules: result,
    log: { select: options.select, threshold, projected: log.filter((entry) => entry.projected).length, modules: log },
  };
}

function project(module: AdapterModule, v: Float32Array): Candidate {
  const { image, cosine, directionNorm } = alignmentOf(module, v);
  if (cosine === null) return { module, projected: undefined, cosine: null, directionNorm };
  return { module, projected: image.map((value) => value / directionNorm), cosine: round5(cosine), directionNorm };
}

/** The K-th smallest cosine; the largest when there are fewer, as a slice of a sorted array gives. */
function kthSmallest(candidates: readonly Candidate[], k: number): number {
  const cosines = candidates.flatMap(({ cosine }) => (cosine === null ? [] : [cosine])).sort((a, b) => a - b);
  return cosines[Math.min(k, cosines.length) - 1] ?? Number.NEGATIVE_INFINITY;
}

function round5(value: number): number {
  return Math.round(value * 1e5) / 1e5;
}
