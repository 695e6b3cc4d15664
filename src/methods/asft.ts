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

import { z } from "../base/zod.ts";
import { setting } from "../base/format.ts";
import { allOrNothing } from "../engine/allOrNothing.ts";
import { adapterLayout } from "../model/lora.ts";
import { factorsOf } from "./adapterWindow.ts";
import { type Anchors, type DirectionFacts, UNKNOWN_DIRECTION, buildAnchors } from "./anchored/anchors.ts";
import { type ModuleDiagnostics, diagnose, summarise } from "./anchored/diagnostics.ts";
import { type Penalty, buildPenalty } from "./anchored/penalty.ts";
import { type AnchorPlan, planAnchors, refuseTooHighRank } from "./anchored/plan.ts";
import type { LogPanel, Mark, MethodFormula } from "./description.ts";
import { directionCosine } from "./direction/alignment.ts";
import { DIRECTION, PUBLISHED_OPERATOR } from "./direction/formula.ts";
import { pairOf, prefetchDifferences, readDifference } from "./direction/weightDifference.ts";
import {
  CROSS_ENTROPY,
  type FormulaPiece,
  frac,
  i,
  lines,
  n,
  norm,
  o,
  paren,
  row,
  sub,
  subsup,
  under,
} from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";
import type { AdaptedModule, DeviceLimit, MethodContext, MethodLog, PreparedMethod } from "./stages.ts";

const PROJECTORS = ["safe_lora", "rank", "flat", "flat_plus", "none"] as const;

const schema = z.strictObject({
  name: z.literal("asft"),
  lambda: option(z.number().min(0).default(1), {
    title: "lambda",
    description:
      "Weight of the penalty: loss = cross-entropy + lambda · penalty. 0 is plain fine-tuning, bit for bit. The " +
      "paper recommends 0.1 to 10.",
    scale: "log",
    dial: [-2, 3],
  }),
  projector: option(z.enum(PROJECTORS).default("safe_lora"), {
    title: "Projector",
    description:
      "What counts as aligned in V = W_aligned - W_unaligned. safe_lora: V·Vᵀ/‖V‖, the published code (not a true " +
      "projector). rank: exact projector on the first left singular vectors. flat: V as one vector. flat_plus: V as " +
      "one vector, and only movement that adds alignment is free. none: plain L2 on B·A, the ablation.",
    caption: "what counts as the alignment direction",
    choices: {
      safe_lora: {
        label: "Published code",
        formula: "V·Vᵀ / ‖V‖_F",
        note:
          "What the authors’ code runs. Not a true projector: its eigenvalues grow with the size of V, and where V " +
          "is small it is hardly more than plain L2.",
      },
      rank: {
        label: "Exact, rank k",
        formula: "U_k·U_kᵀ",
        note:
          "Leaves the first k left singular vectors of V free and penalises the rest. With k as large as the matrix " +
          "it penalises nothing.",
      },
      flat: {
        label: "Flattened, rank 1",
        formula: "v·vᵀ / ‖v‖²,  v = vec(V)",
        note: "V taken as one long vector: only movement along that one direction is free, forwards and backwards.",
      },
      flat_plus: {
        label: "Flattened, one-sided",
        formula: "as above if ⟨B·A, V⟩ > 0",
        note: "Only movement that adds alignment is free; movement against it is penalised like any other.",
      },
      none: {
        label: "None: plain L2",
        formula: "0, so ‖B·A‖²_F",
        note:
          "Penalises every movement alike. The ablation that the paper does not report: run it beside AsFT to see " +
          "what the direction adds.",
      },
    },
  }),
  rank: option(z.int().min(1).default(4), {
    title: "Projector rank",
    description: "How many left singular vectors of V stay free (projector rank only).",
    when: { name: "projector", value: "rank" },
  }),
  penalty_scale: option(z.enum(["ba", "scaled"]).default("ba"), {
    title: "Penalty applies to",
    description:
      "ba: on B·A, as in the published code. scaled: on s·B·A, the update that the model really gets (s = alpha/r); " +
      "value and gradient grow by s².",
    choices: { ba: "B·A, as published", scaled: "s·B·A, the true update" },
    advanced: true,
  }),
});

type AsftOptions = z.output<typeof schema>;
type Projector = AsftOptions["projector"];

const ASFT: Mark = { id: "asft", light: "#8e3e7c", dark: "#c05dd0", shape: "square" };
const PLAIN_L2: Mark = { id: "l2", light: "#4177c4", dark: "#73a2b9", shape: "diamond" };

const TITLES: Readonly<Record<Projector, (options: AsftOptions) => string>> = {
  safe_lora: () => "AsFT",
  rank: ({ rank }) => `AsFT, exact rank ${rank}`,
  flat: () => "AsFT, flattened",
  flat_plus: () => "AsFT, one-sided",
  none: () => "Plain L2",
};

const LOG: LogPanel = {
  facts: {
    lambda: { title: "Lambda", as: "setting" },
    penalty_scale: { title: "Penalty on" },
    penalty: { title: "Penalty at the end" },
    update_norm_squared: { title: "‖B·A‖² at the end" },
    ratio: { title: "Penalty / ‖B·A‖² (1: plain L2)" },
    direction_share: { title: "Share of B·A inside span V", as: "share" },
    direction_share_unknown: { title: "Share of B·A inside span V is unknown" },
  },
  modules: {
    penalty: { title: "Penalty" },
    update_norm_squared: { title: "‖B·A‖²" },
    ratio: { title: "Ratio" },
    direction_norm: { title: "‖V‖" },
    largest_eigenvalue: { title: "Largest eigenvalue" },
    basis_rank: { title: "Rank", as: "count" },
    cosine: { title: "cos(C·B·A, B·A)" },
    direction_cosine: { title: "cos(B·A, V)" },
    inside_share: { title: "Share left free", as: "share" },
  },
};

export const asft = defineMethod({
  name: "asft",
  title: "AsFT",
  kind: "loss",
  summary:
    "Keeps the update close to the direction in which alignment moved the weights, with a penalty on everything " +
    "outside it.",
  about:
    "For every targeted matrix, the difference V between the aligned model and its base is taken as the direction in " +
    "which alignment moved the weights. Every step adds a penalty to the cross-entropy: the squared norm of the part " +
    "of the update B·A that an operator C, built from V, does not cover, summed over the matrices. The paper prints " +
    "the exact projector onto V; its code uses V·Vᵀ/‖V‖_F, which is the default here. True projectors and plain L2 " +
    "are offered as controls: only they show what the direction itself contributes.",
  citation: {
    text: "AsFT: Anchoring Safety During LLM Fine-Tuning Within Narrow Safety Basin, AAAI 2026, arXiv 2506.08473",
    url: "https://arxiv.org/abs/2506.08473",
  },
  evidence: {
    grade: "primary code",
    note:
      "safe_lora and penalty_scale ba follow the released code; rank, flat, flat_plus and none are derived here, " +
      "checked against PyTorch's gradients.",
  },
  cautions: [
    "V·Vᵀ/‖V‖_F is not a projector: its eigenvalues are s_i²/‖V‖_F, so the penalty depends on the scale of V. For " +
      "small differences it is within a few percent of plain L2; the ratio in the report says how close. Compare " +
      "with projector none at the same lambda.",
    "Where the largest eigenvalue exceeds 1, I − C turns negative; beyond 2 it penalises more than plain L2.",
    "The equation printed in the paper penalises nothing for square or wide matrices of full rank, so it is not " +
      "offered. Projector rank with k = rank(V) has the same defect.",
    "With every projector but flat_plus, moving against the alignment direction is as free as moving along it: " +
      "undoing the alignment costs nothing.",
    "By default the penalty acts on B·A without alpha/r, as in the released code: with r 8 and alpha 32, lambda 1 " +
      "equals 1/16 on the true update.",
    "Defined for adapters that start at B = 0 or continue one; not for initialisations that change the base weights.",
    "The paper reports no error bars, and independent work reports a loss of accuracy.",
  ],
  marks: [ASFT, PLAIN_L2],
  schema,
  variantTitle: (options) => TITLES[options.projector](options),
  settings: ({ lambda, projector }) =>
    `λ ${setting(lambda)}${projector === "safe_lora" ? ", published projector" : ""}`,
  mark: ({ projector }) => (projector === "none" ? PLAIN_L2 : ASFT),
  penaltyText: () => ({
    unit: "before lambda",
    moduleUnit: "before lambda; the modules add up to the penalty",
  }),
  formula,
  lighter: (options) => [
    ...(options.projector === "rank" || options.projector === "none"
      ? []
      : [
          {
            label: "Projector of rank 4",
            cost: "another penalty",
            options: { ...options, projector: "rank", rank: 4 },
          },
        ]),
    ...(options.projector === "none"
      ? []
      : [
          {
            label: "Projector none (plain L2)",
            cost: "no alignment direction",
            options: { ...options, projector: "none" },
          },
        ]),
  ],
  log: LOG,
  replay: { module: "asft", files: { "asft.py": () => import("../../python/export/asft.py?raw") } },
  withoutTwin: 'the projector "none"',
  before: (options) => ({ twin: needsDirection(options) ? "compared" : "unused" }),
  deviceBytes: (options, modules, limit) => {
    if (options.lambda === 0) return 0;
    const plan = planFor(options, modules, limit);
    refuseTooHighRank(plan, limit);
    return plan.bytes;
  },
  prepare: (options, context) =>
    options.lambda === 0
      ? Promise.resolve({ report: () => Promise.resolve(settingsLog(options)) })
      : prepareAnchored(options, context),
});

// --- formula -------------------------------------------------------------------------------------------------------

const [A, B, C, U, V, X] = [i("A"), i("B"), i("C"), i("U"), i("V"), i("X")];
const inner = row(o("⟨"), X, o(","), V, o("⟩"));
const positivePart = row(i("max"), paren(inner, o(","), n("0")));
const INNER_PRODUCT = " ⟨·,·⟩: inner product of two matrices as vectors.";

/** C(X) = `factor` V / ‖V‖² */
function alongV(factor: FormulaPiece): FormulaPiece {
  return row(C, paren(X), o("="), frac(factor, norm(V, "squared")), V);
}

/** What C is, and what its letters mean. */
const OPERATORS: Readonly<
  Record<Projector, { readonly label: string; readonly formula: FormulaPiece; readonly letters: string }>
> = {
  safe_lora: {
    label: "C is V times V transposed over the Frobenius norm of V",
    formula: PUBLISHED_OPERATOR,
    letters: "",
  },
  rank: {
    label: "C is U k times U k transposed",
    formula: row(C, o("="), sub(U, i("k")), subsup(U, i("k"), i("T"))),
    letters: " U_k: the first k left singular vectors of V.",
  },
  flat: {
    label: "C of X is the inner product of X and V over the squared norm of V, times V",
    formula: alongV(inner),
    letters: INNER_PRODUCT,
  },
  flat_plus: {
    label:
      "C of X is the inner product of X and V, or zero where that is negative, over the squared norm of V, times V",
    formula: alongV(positivePart),
    letters: INNER_PRODUCT,
  },
  none: { label: "C is zero", formula: row(C, o("="), n("0")), letters: "" },
};

function formula({ projector, penalty_scale }: AsftOptions): MethodFormula {
  const operator = OPERATORS[projector];
  const scaled = penalty_scale === "scaled";
  const m = i("m");
  const outside = row(paren(i("I"), o("−"), sub(C, m)), ...(scaled ? [i("s")] : []), sub(B, m), sub(A, m));
  const loss = row(i("L"), o("="), CROSS_ENTROPY, o("+"), i("λ"), under(o("∑"), m), norm(outside, "squared"));
  return {
    label:
      "Loss is cross-entropy plus lambda times the sum over modules of the squared norm of I minus C, times " +
      `${scaled ? "s " : ""}B A. ${operator.label}`,
    formula: lines([loss], [DIRECTION], [operator.formula]),
    letters:
      `m: each targeted matrix; B·A: its update${scaled ? ", s = lora_alpha / r" : " without lora_alpha / r"}.` +
      operator.letters,
  };
}

// --- on the device -------------------------------------------------------------------------------------------------

function needsDirection({ lambda, projector }: AsftOptions): boolean {
  return lambda > 0 && projector !== "none";
}

function planFor(
  { projector, rank }: AsftOptions,
  modules: readonly AdaptedModule[],
  limit: DeviceLimit,
  layout = adapterLayout(modules),
): AnchorPlan {
  return planAnchors(projector, rank, modules, layout, limit);
}

function settingsLog({ projector, rank, penalty_scale, lambda }: AsftOptions): MethodLog {
  return { projector, ...(projector === "rank" ? { rank } : {}), penalty_scale, lambda };
}

async function prepareAnchored(options: AsftOptions, context: MethodContext): Promise<Partial<PreparedMethod>> {
  const { lambda, projector, penalty_scale: penaltyScale } = options;
  const { gpu, modules, parameters, stats, onProgress, signal } = context;
  const plan = planFor(options, modules, gpu, parameters.layout);
  return allOrNothing(async (own) => {
    const anchors = needsDirection(options)
      ? own(await buildAnchors(gpu, plan, pairOf(context, "AsFT"), { onProgress, signal }))
      : undefined;
    const oneSided = projector === "flat_plus";
    const penalty = await buildPenalty({ gpu, plan, anchors, parameters, stats, lambda, penaltyScale, oneSided });
    return {
      penalty: { lambda, dispatches: penalty.dispatches },
      report: () => reportOf(options, context, penalty, anchors),
      bytes: plan.bytes,
      destroy: () => {
        penalty.destroy();
        anchors?.destroy();
      },
    };
  });
}

async function reportOf(
  options: AsftOptions,
  context: MethodContext,
  penalty: Penalty,
  anchors: Anchors | undefined,
): Promise<MethodLog> {
  const { gpu, modules, parameters, unaligned } = context;
  const settings = settingsLog(options);
  const facts: readonly DirectionFacts[] = anchors?.facts ?? modules.map(() => UNKNOWN_DIRECTION);
  const factor = ({ scale }: AdaptedModule): number => (options.penalty_scale === "scaled" ? scale ** 2 : 1);
  const oneSided = options.projector === "flat_plus";
  const diagnosed = await diagnose({ gpu, parameters, penalty, facts, factor, oneSided });
  if (anchors === undefined || diagnosed.every((entry) => entry.direction_cosine !== null))
    return { ...settings, ...summarise(diagnosed) };
  const without = (reason: string): MethodLog => ({
    ...settings,
    ...summarise(diagnosed),
    direction_share_unknown: reason,
  });
  if (unaligned?.uncached === true) return without("the unaligned model would have to be downloaded again");
  try {
    return { ...settings, ...summarise(await withDirections(diagnosed, context)) };
  } catch (error) {
    return without(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Fills in cos(BA, V) where the projector has no V on the device: its matrices are read once more, from disk or a
 * cache. A diagnostic: a source that has gone since then, or one that would have to be downloaded again, leaves it
 * unknown, and the log says why.
 */
async function withDirections(
  diagnosed: readonly ModuleDiagnostics[],
  context: MethodContext,
): Promise<ModuleDiagnostics[]> {
  const { modules, parameters, signal } = context;
  const pair = pairOf(context, "AsFT");
  const values = await parameters.readAll("values");
  const missing = modules.filter((_, index) => diagnosed[index]?.direction_cosine === null);
  prefetchDifferences(missing, pair, signal);
  const found = new Map<string, number | null>();
  for (const module of missing) {
    const update = { ...module, ...factorsOf(module, values) };
    found.set(module.path, directionCosine(update, await readDifference(module, pair, signal)));
  }
  return diagnosed.map((entry) => ({
    ...entry,
    direction_cosine: entry.direction_cosine ?? found.get(entry.path) ?? null,
  }));
}
