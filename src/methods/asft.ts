/**
 * @file AsFT, Anchoring Safety During Fine-Tuning (arXiv 2506.08473), with every projector that the lab compares.
 *
 *     loss = cross-entropy + lambda · Σ_m ‖(I - C_m) B_m A_m‖_F²,    V_m = W_aligned,m - W_unaligned,m
 *
 *     safe_lora   C = V Vᵀ/‖V‖_F             the released code's choice (not idempotent, depends on V's scale)
 *     rank        C = U_k U_kᵀ               exact projector on the first k left singular vectors of V
 *     flat        C = <·, V> V/‖V‖_F²        V as one vector
 *     flat_plus   the same, for movement along +V only: where <BA, V> < 0 nothing is free
 *     none        C = 0                      plain L2 on B·A, the ablation that the paper does not report
 *
 * The penalty counts once per optimiser step. The released code adds it once per micro-batch; that is the same for
 * gradient_accumulation_steps = 1, which its scripts use. With lambda = 0 nothing is read, allocated or dispatched.
 */

import { z } from "zod";
import { adapterLayout } from "../model/lora.ts";
import { type AnchorPlan, planAnchors } from "./anchored/plan.ts";
import { type DirectionFacts, buildAnchors } from "./anchored/anchors.ts";
import { directionCosine } from "./direction/alignment.ts";
import { type ModuleDiagnostics, diagnose, summarise } from "./anchored/diagnostics.ts";
import {
  type AdaptedModule,
  type AnchorLimits,
  type MethodContext,
  type PreparedMethod,
  defineMethod,
  requireUnaligned,
} from "./method.ts";
import { buildPenalty } from "./anchored/penalty.ts";
import { announceDifferences, readDifference } from "./direction/weightDifference.ts";

const schema = z.strictObject({
  name: z.literal("asft"),
  lambda: z.number().min(0).default(1).meta({
    title: "lambda",
    description: "Weight of the penalty: loss = cross-entropy + lambda · penalty. 0 is plain fine-tuning, bit for bit.",
    scale: "log",
  }),
  projector: z.enum(["safe_lora", "rank", "flat", "flat_plus", "none"]).default("safe_lora").meta({
    title: "Projector",
    description:
      "What counts as aligned in V = W_aligned - W_unaligned. safe_lora: V·Vᵀ/‖V‖, the published code (not a true projector). rank: exact projector on the first left singular vectors. flat: V as one vector. flat_plus: V as one vector, and only movement that adds alignment is free. none: plain L2 on B·A, the ablation.",
  }),
  rank: z.int().min(1).default(4).meta({
    title: "Projector rank",
    description: "How many left singular vectors of V stay free (projector rank only).",
  }),
  penalty_scale: z.enum(["ba", "scaled"]).default("ba").meta({
    title: "Penalty on",
    description:
      "ba: on B·A, as in the published code. scaled: on s·B·A, the update that the model really gets (s = alpha/r); value and gradient grow by s².",
  }),
});

export type AsftOptions = z.output<typeof schema>;

export const asft = defineMethod({
  name: "asft",
  title: "AsFT",
  kind: "loss",
  summary:
    "Keeps the update near the direction in which alignment moved the weights, by a penalty on what lies outside it.",
  about:
    "For every targeted matrix, the difference V between the aligned model and its base is taken as the direction in which alignment moved the weights. In every step a penalty joins the cross-entropy: the squared norm of what an operator C, made of V, leaves over of the update B·A, summed over the matrices. The paper prints the exact projector onto V; its code runs V·Vᵀ/‖V‖_F, which is the default here. True projectors and plain L2 stand beside it, because only they tell what the direction adds.",
  citation: {
    text: "AsFT: Anchoring Safety During LLM Fine-Tuning Within Narrow Safety Basin, AAAI 2026, arXiv 2506.08473",
    url: "https://arxiv.org/abs/2506.08473",
  },
  evidence: {
    grade: "primary code",
    note: "safe_lora and penalty_scale ba follow the released code; rank, flat, flat_plus and none are derived here, checked against PyTorch's gradients.",
  },
  cautions: [
    "V·Vᵀ/‖V‖_F is not a projector: its eigenvalues are s_i²/‖V‖_F, so the penalty depends on the scale of V. For small differences it is within a few percent of plain L2; the ratio in the report says how near. Compare with projector none at the same lambda.",
    "Where the largest eigenvalue exceeds 1, I − C turns negative; beyond 2 it penalises more than plain L2.",
    "The equation printed in the paper is empty for square or wide matrices of full rank; it is not offered. Projector rank with k = rank(V) has the same defect.",
    "All projectors but flat_plus leave movement against the alignment direction as free as movement along it: undoing the alignment costs nothing there.",
    "By default the penalty acts on B·A without alpha/r, as in the released code: with r 8 and alpha 32, lambda 1 equals 1/16 on the true update.",
    "Defined for adapters that start at B = 0 or continue one; not for initialisations that change the base weights.",
    "The paper has no error bars, and independent work reports a cost in accuracy.",
  ],
  parameters: [
    {
      name: "lambda",
      title: "lambda",
      help: "Weight of the penalty. The paper recommends 0.1 to 10.",
      default: 1,
      range: { min: 0, max: 1000, scale: "log" },
    },
    {
      name: "projector",
      title: "Projector",
      help: "What counts as aligned. none is plain L2, the ablation to show beside every result.",
      default: "safe_lora",
      range: { choices: ["safe_lora", "rank", "flat", "flat_plus", "none"] },
    },
    {
      name: "rank",
      title: "Projector rank",
      help: "Left singular vectors of V that stay free.",
      default: 4,
      range: { min: 1, max: 64, scale: "linear" },
      when: { name: "projector", value: "rank" },
    },
    {
      name: "penalty_scale",
      title: "Penalty on",
      help: "ba: B·A (published code). scaled: s·B·A.",
      default: "ba",
      range: { choices: ["ba", "scaled"] },
      seldom: true,
    },
  ],
  schema,
  lambda: ({ lambda }) => lambda,
  needsUnaligned: (options) => needsDirection(options),
  anchorBytes: (options, modules, limits) => (options.lambda === 0 ? 0 : planFor(options, modules, limits).bytes),
  prepare,
});

function needsDirection({ lambda, projector }: AsftOptions): boolean {
  return lambda > 0 && projector !== "none";
}

function planFor(options: AsftOptions, modules: readonly AdaptedModule[], limits: AnchorLimits): AnchorPlan {
  return planAnchors(options.projector, options.rank, modules, adapterLayout(modules), limits);
}

async function prepare(options: AsftOptions, context: MethodContext): Promise<PreparedMethod> {
  const { lambda, projector, rank, penalty_scale: penaltyScale } = options;
  const settings = { projector, ...(projector === "rank" ? { rank } : {}), penalty_scale: penaltyScale, lambda };
  if (lambda === 0) {
    return {
      lambda: 0,
      anchorBytes: 0,
      dispatches: [],
      log: () => Promise.resolve(settings),
      destroy: () => undefined,
    };
  }
  const { gpu, modules, parameters, stats, aligned, onProgress, signal } = context;
  const plan = planAnchors(projector, rank, modules, parameters.layout, { maxBinding: gpu.maxBinding });
  const anchors = needsDirection(options)
    ? await buildAnchors(gpu, plan, {
        aligned,
        unaligned: requireUnaligned(context, "AsFT"),
        ...(onProgress ? { onProgress } : {}),
        ...(signal ? { signal } : {}),
      })
    : undefined;
  const oneSided = projector === "flat_plus";
  const penalty = await buildPenalty({ gpu, plan, anchors, parameters, stats, lambda, penaltyScale, oneSided });
  const unknown: DirectionFacts = { norm: null, largestEigenvalue: null, basisRank: null };
  const facts = anchors?.facts ?? modules.map(() => unknown);
  const factor = (module: AdaptedModule): number => (penaltyScale === "scaled" ? module.scale ** 2 : 1);
  return {
    lambda,
    anchorBytes: plan.bytes,
    dispatches: penalty.dispatches,
    log: async () => {
      const diagnosed = await diagnose({ gpu, parameters, penalty, facts, factor, oneSided });
      if (anchors === undefined || diagnosed.every((entry) => entry.direction_cosine !== null))
        return { ...settings, ...summarise(diagnosed) };
      if (context.unaligned?.uncached === true)
        return {
          ...settings,
          ...summarise(diagnosed),
          direction_share_unknown: "the unaligned model would have to be downloaded again",
        };
      try {
        return { ...settings, ...summarise(await withDirections(diagnosed, context)) };
      } catch (error) {
        return {
          ...settings,
          ...summarise(diagnosed),
          direction_share_unknown: error instanceof Error ? error.message : String(error),
        };
      }
    },
    destroy: () => {
      penalty.destroy();
      anchors?.destroy();
    },
  };
}

/**
 * Fills in cos(BA, V) where the projector keeps no V on the device: its matrices are read once more, from disk or a cache.
 * A diagnostic: a source that has gone since then, or one that would have to be downloaded again, leaves it unknown, and the
 * log says why.
 */
async function withDirections(
  diagnosed: readonly ModuleDiagnostics[],
  context: MethodContext,
): Promise<ModuleDiagnostics[]> {
  const { modules, parameters, aligned, signal } = context;
  const unaligned = requireUnaligned(context, "AsFT");
  const values = await parameters.readAll("values");
  const missing = modules.filter((_, i) => diagnosed[i]?.direction_cosine === null);
  announceDifferences(missing, aligned, unaligned, signal);
  const found = new Map<string, number | null>();
  for (const module of missing) {
    const [A, B] = [values.get(module.a), values.get(module.b)];
    if (!A || !B) throw new Error(`${module.path} has no A and B`);
    found.set(
      module.path,
      directionCosine({ ...module, A, B }, await readDifference(module, aligned, unaligned, signal)),
    );
  }
  return diagnosed.map((entry) => ({
    ...entry,
    direction_cosine: entry.direction_cosine ?? found.get(entry.path) ?? null,
  }));
}
