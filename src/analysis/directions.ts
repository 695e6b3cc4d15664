/**
 * @file The alignment directions: what V looks like in each matrix, how much of an update lies in its strongest
 * subspaces, and why AsFT's published projector may be close to plain L2 on a pair (subspaces.ts has the formulas).
 */
import { z } from "../base/zod.ts";
import { directionCosine } from "../methods/direction/alignment.ts";
import { checkPair, frobenius, prefetchDifferences, readDifference } from "../methods/direction/weightDifference.ts";
import { adapterScale } from "../weights/adapterFile.ts";
import { defineAnalysis, type ResultCell, type ResultColumn, type ResultFigure } from "./analysis.ts";
import type { Subspaces } from "./subspaces.ts";

const COLUMNS: readonly ResultColumn[] = [
  { key: "module", title: "Module", format: "text" },
  { key: "direction_norm", title: "‖V‖", format: "number" },
  { key: "stable_rank", title: "Stable rank of V", format: "number", draw: "bar" },
  { key: "norm", title: "‖ΔW‖", format: "number" },
  { key: "cosine", title: "cos(ΔW, V)", format: "cosine", draw: "bar" },
  { key: "along", title: "Along V", format: "number" },
  { key: "across", title: "Across V", format: "number" },
  { key: "left_share", title: "Share in U_k", format: "number", draw: "bar" },
  { key: "right_share", title: "Share in V_k", format: "number", draw: "bar" },
  { key: "random_share", title: "Share if random", format: "number" },
  { key: "left_angle", title: "Smallest angle to U_k (°)", format: "number" },
  { key: "right_angle", title: "Smallest angle to V_k (°)", format: "number" },
  { key: "penalty_ratio", title: "Published penalty / L2", format: "number", draw: "bar" },
];

const SPECTRUM: readonly ResultColumn[] = [
  { key: "module", title: "Module", format: "text" },
  { key: "index", title: "i", format: "integer" },
  { key: "singular_value", title: "σ_i of V", format: "number", draw: "bar" },
  { key: "cumulative_share", title: "Σ σ² / ‖V‖²", format: "number" },
];

interface ModuleDirections {
  readonly path: string;
  readonly norm: number;
  readonly directionNorm: number;
  readonly cosine: number | null;
  /** Of a random update, on average: k / outFeatures. */
  readonly randomShare: number;
  readonly subspaces: Subspaces | null;
}

export const directions = defineAnalysis({
  name: "directions",
  title: "Alignment directions",
  question: "Through which directions did alignment change each matrix, and does the update use them?",
  about:
    "V = W_aligned − W_unaligned is split into its strongest k directions (singular vectors). The share of the " +
    "update inside them is compared with the share that a random update would have, k / rows; a small angle means " +
    "that the update contains a direction of V. The last column is AsFT's published penalty over plain L2 on this " +
    "update: close to 1, the projector hardly tells directions apart, as where V has a high stable rank.",
  citation: { text: "Direction: AsFT, arXiv 2506.08473", url: "https://arxiv.org/abs/2506.08473" },
  cautions: [
    "A small pair of models is aligned through few directions; shares do not carry over to large models.",
    "Shares are of squared norms; two equal shares may lie in different directions of the same subspace.",
  ],
  needs: ["adapter", "aligned", "unaligned"],
  uses: [],
  schema: z.strictObject({
    k: z.int().min(1).max(64).default(8).meta({
      title: "Directions of V",
      description: "How many singular vectors of V span the subspaces.",
    }),
  }),
  compute: async ({ adapter, aligned, unaligned }, { k }, { onProgress, signal }) => {
    const pair = { aligned, unaligned };
    checkPair(adapter.modules, pair);
    prefetchDifferences(adapter.modules, pair, signal);
    const [{ subspacesOf }, { spectrumOf }] = await Promise.all([import("./subspaces.ts"), import("./spectrum.ts")]);
    const found: ModuleDirections[] = [];
    for (const module of adapter.modules) {
      const v = await readDifference(module, pair, signal);
      found.push({
        path: module.path,
        norm: spectrumOf(module, adapterScale(adapter.config, module.path)).norm,
        directionNorm: frobenius(v),
        cosine: directionCosine(module, v),
        randomShare: Math.min(1, k / module.outFeatures),
        subspaces: subspacesOf(module, v, k),
      });
      onProgress?.(found.length, adapter.modules.length);
    }
    return {
      figures: figuresOf(found),
      tables: [
        { id: "modules", title: `Per module, k = ${k}`, columns: COLUMNS, rows: found.map(rowOf) },
        { id: "singular_values", title: "Singular values of V", columns: SPECTRUM, rows: found.flatMap(spectrumRows) },
      ],
      notes: found.some(({ subspaces }) => subspaces === null)
        ? ["Modules that alignment did not change (V = 0) have no directions."]
        : [],
    };
  },
});

function rowOf(found: ModuleDirections): Readonly<Record<string, ResultCell>> {
  const { path, norm, directionNorm, cosine, randomShare, subspaces } = found;
  const update = subspaces?.update;
  return {
    module: path,
    direction_norm: directionNorm,
    stable_rank: subspaces?.stableRank ?? null,
    norm,
    cosine,
    along: cosine === null ? null : cosine * norm,
    across: cosine === null ? null : acrossOf(found),
    left_share: update?.leftShare ?? null,
    right_share: update?.rightShare ?? null,
    random_share: subspaces === null ? null : randomShare,
    left_angle: update?.leftAngles[0] ?? null,
    right_angle: update?.rightAngles[0] ?? null,
    penalty_ratio: update?.penaltyRatio ?? null,
  };
}

function acrossOf({ norm, cosine }: ModuleDirections): number {
  return norm * Math.sqrt(Math.max(0, 1 - (cosine ?? 0) ** 2));
}

function spectrumRows({ path, directionNorm, subspaces }: ModuleDirections): Readonly<Record<string, ResultCell>>[] {
  let sum = 0;
  return (subspaces?.singularValues ?? []).map((value, i) => {
    sum += value ** 2;
    return { module: path, index: i + 1, singular_value: value, cumulative_share: sum / directionNorm ** 2 };
  });
}

/** Over all modules, weighted by ‖ΔW‖², so that modules that hardly moved hardly count. */
function figuresOf(found: readonly ModuleDirections[]): readonly ResultFigure[] {
  const moved = found.filter(({ subspaces, cosine }) => subspaces?.update != null && cosine !== null);
  const energy = moved.reduce((sum, { norm }) => sum + norm ** 2, 0);
  const mean = (value: (module: ModuleDirections) => number): number | null =>
    energy > 0 ? moved.reduce((sum, module) => sum + module.norm ** 2 * value(module), 0) / energy : null;
  const along = moved.reduce((sum, { cosine, norm, directionNorm }) => sum + (cosine ?? 0) * norm * directionNorm, 0);
  const directionEnergy = moved.reduce((sum, { directionNorm }) => sum + directionNorm ** 2, 0);
  return [
    {
      title: "cos(ΔW, V), all modules as one vector",
      value: energy > 0 ? along / Math.sqrt(energy * directionEnergy) : null,
    },
    {
      title: "Share of the update in V's left subspaces",
      value: mean(({ subspaces }) => subspaces?.update?.leftShare ?? 0),
    },
    { title: "Share of a random update", value: mean(({ randomShare }) => randomShare) },
    {
      title: "Share of the update in V's right subspaces",
      value: mean(({ subspaces }) => subspaces?.update?.rightShare ?? 0),
    },
    { title: "Stable rank of V, mean", value: mean(({ subspaces }) => subspaces?.stableRank ?? 0) },
    { title: "Published penalty / plain L2", value: mean(({ subspaces }) => subspaces?.update?.penaltyRatio ?? 0) },
  ];
}
