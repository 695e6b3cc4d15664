/**
 * @file Geometry of an update: how large it is in each matrix, over how many directions it spreads, and how far it lies
 * along the alignment direction.
 *
 *     ΔW = s·B·A, singular values σ_1 ≥ … ≥ σ_r
 *     norm = ‖ΔW‖_F = sqrt(Σσ²)      stable rank = Σσ² / σ_1²      effective rank = exp(-Σ p ln p), p = σ / Σσ
 *     direction cosine = cos(vec ΔW, vec V), V = W_aligned - W_unaligned
 *
 * Neither ΔW nor its Gram matrix is formed: B = Q_B R_B and Aᵀ = Q_A R_A, so ΔW has the singular values of the r×r
 * matrix s·R_B R_Aᵀ, to the precision of f64 and not of its square root.
 *
 * Sources: effective rank, Roy & Vetterli, EUSIPCO 2007; stable rank, Rudelson & Vershynin, J. ACM 54 (2007);
 * the direction is AsFT's (arXiv 2506.08473).
 */
import { z } from "../base/zod.ts";
import { directionCosine } from "../methods/direction/alignment.ts";
import { prefetchDifferences, checkPair, frobenius, readDifference } from "../methods/direction/weightDifference.ts";
import { adapterScale } from "../weights/adapterFile.ts";
import { defineAnalysis, type ResultColumn } from "./analysis.ts";
import type { Spectrum } from "./spectrum.ts";

interface ModuleGeometry extends Spectrum {
  readonly path: string;
  readonly r: number;
  readonly directionNorm: number | null;
  readonly cosine: number | null;
}

const SPECTRUM_COLUMNS: readonly ResultColumn[] = [
  { key: "module", title: "Module", format: "text" },
  { key: "r", title: "r", format: "integer" },
  { key: "norm", title: "‖ΔW‖", format: "number", draw: "bar" },
  { key: "largest", title: "σ₁", format: "number" },
  { key: "stable_rank", title: "Stable rank", format: "number" },
  { key: "effective_rank", title: "Effective rank", format: "number" },
];

const DIRECTION_COLUMNS: readonly ResultColumn[] = [
  { key: "direction_norm", title: "‖V‖", format: "number" },
  { key: "cosine", title: "cos(ΔW, V)", format: "cosine", draw: "bar" },
];

export const updateGeometry = defineAnalysis({
  name: "update_geometry",
  title: "Geometry of the update",
  question: "How large is the update in each matrix, how many directions does it use, and does it undo the alignment?",
  about:
    "The singular values of ΔW = s·B·A of each adapted matrix give its norm, its stable rank and its effective rank. " +
    "With both models of a pair, the cosine says how far the update lies along V = W_aligned − W_unaligned: " +
    "negative means that it moves back towards the unaligned model.",
  citation: { text: "Direction: AsFT, arXiv 2506.08473", url: "https://arxiv.org/abs/2506.08473" },
  cautions: [
    "A random update of a large matrix has a cosine near 0 with any direction: compare cosines, not their size alone.",
    "Ranks say how the update is spread, not what it does to the model's answers.",
  ],
  needs: ["adapter"],
  uses: ["aligned", "unaligned"],
  schema: z.strictObject({}),
  compute: async ({ adapter, aligned, unaligned }, _options, { onProgress, signal }) => {
    const pair = aligned && unaligned ? { aligned, unaligned } : null;
    if (pair) {
      checkPair(adapter.modules, pair);
      prefetchDifferences(adapter.modules, pair, signal);
    }
    const { spectrumOf } = await import("./spectrum.ts");
    const found: ModuleGeometry[] = [];
    for (const module of adapter.modules) {
      signal?.throwIfAborted();
      const spectrum = spectrumOf(module, adapterScale(adapter.config, module.path));
      const direction = pair && (await readDifference(module, pair, signal));
      found.push({
        ...spectrum,
        path: module.path,
        r: module.r,
        directionNorm: direction && frobenius(direction),
        cosine: direction && directionCosine(module, direction),
      });
      onProgress?.(found.length, adapter.modules.length);
    }
    return {
      figures: figuresOf(found),
      tables: [
        {
          id: "modules",
          title: "Per module",
          columns: pair ? [...SPECTRUM_COLUMNS, ...DIRECTION_COLUMNS] : SPECTRUM_COLUMNS,
          rows: found.map((module) => rowOf(module, pair !== null)),
        },
      ],
      notes: pair ? [] : ["Without both models of the pair there is no alignment direction, so no cosine."],
    };
  },
});

function rowOf(
  { path, r, norm, singularValues, stableRank, effectiveRank, directionNorm, cosine }: ModuleGeometry,
  withDirection: boolean,
): Readonly<Record<string, string | number | null>> {
  return {
    module: path,
    r,
    norm,
    largest: singularValues[0] ?? 0,
    stable_rank: stableRank,
    effective_rank: effectiveRank,
    ...(withDirection ? { direction_norm: directionNorm, cosine } : {}),
  };
}

function figuresOf(found: readonly ModuleGeometry[]): readonly { title: string; value: number | null }[] {
  const squares = found.reduce((sum, { norm }) => sum + norm * norm, 0);
  const known = found.filter(({ cosine }) => cosine !== null);
  const along = known.reduce((sum, { cosine, norm }) => sum + (cosine ?? 0) ** 2 * norm * norm, 0);
  return [
    { title: "Norm of the whole update", value: Math.sqrt(squares) },
    { title: "Modules", value: found.length },
    ...(known.length === 0
      ? []
      : [{ title: "Share of the update along V", value: squares > 0 ? along / squares : null }]),
  ];
}
