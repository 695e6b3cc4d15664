/** @file A matrix product as the router sees it: what decides which kernel is fastest. */

import type { DType } from "../tensor.ts";

/**
 *     nt          y[m,n] = Σ_k x[m,k] W[n,k]       a layer's output
 *     nn          y[m,n] = Σ_k x[m,k] W[k,n]       the gradient of its input
 *     down        h = x Aᵀ          [T,r] of [T,k]
 *     hidden      ∂h = ∂y B         [T,r] of [T,k]
 *     gradientA   ∂A = ∂hᵀ x        [r,n] of T
 *     gradientB   ∂B = ∂yᵀ h        [m,r] of T
 */
export const MATMUL_FORMS = ["nt", "nn", "down", "hidden", "gradientA", "gradientB"] as const;
export type MatmulForm = (typeof MATMUL_FORMS)[number];

/** Products with a frozen weight; the others are LoRA's. */
export type DenseForm = "nt" | "nn";

/** `dtype` of the frozen weight, f32 where there is none. */
export interface MatmulProblem {
  readonly form: MatmulForm;
  readonly dtype: DType;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export function isDense(form: MatmulForm): form is DenseForm {
  return form === "nt" || form === "nn";
}

/** The power of two at or above a number of tokens: packed batches differ a little from step to step. */
export function roundedTokens(tokens: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, tokens)));
}

/** The problem with its number of tokens rounded. */
export function roundTokens(problem: MatmulProblem): MatmulProblem {
  if (problem.form === "gradientA" || problem.form === "gradientB") return { ...problem, k: roundedTokens(problem.k) };
  return { ...problem, m: roundedTokens(problem.m) };
}

/** "nt bf16 256×576×576" */
export function problemKey({ form, dtype, m, n, k }: MatmulProblem): string {
  return `${form} ${dtype} ${m}×${n}×${k}`;
}
