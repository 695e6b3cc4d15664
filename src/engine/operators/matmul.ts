/**
 * @file One dispatch of the product kernels (shaders/matmul.wgsl, matmul_quantised.wgsl), for the operators that use them.
 *
 *     nt   y[m,n]  = Σ_k x[m,k] W[n,k]      a layer's output
 *     nn   y[m,n] (+)= Σ_k x[m,k] W[k,n]    the gradient of its input
 */

import type { Encoder, MatmulKernel } from "../encoder.ts";
import { matmulFamily, matmulQuantisedFamily, matmulSubgroupFamily } from "../kernels.ts";
import { NF4_BLOCK, isQuantised } from "../quantised.ts";
import type { BufferView } from "../storage.ts";
import type { DType } from "../tensor.ts";

/** Rows from which a tile of 16 pays. */
const SUBGROUP_ROWS = 8;

/** `kernel` undefined: whichever suits the adapter. */
export interface MatmulRequest {
  readonly form: "nt" | "nn";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** f32 rows with stride `ldx` (elements), starting at column `xColumn`. */
  readonly x: { readonly view: BufferView; readonly ld: number; readonly column?: number };
  /**
   * [n, k] for nt, [k, n] for nn. `scales`: of a quantised weight, all its rows; row 0 of this view is then row y.column (nt) or
   * x.column (nn) of the whole.
   */
  readonly w: { readonly view: BufferView; readonly dtype: DType; readonly scales?: BufferView | undefined };
  readonly y: { readonly view: BufferView; readonly ld: number; readonly column?: number };
  /** nn only: add to y. */
  readonly accumulate?: boolean;
  /** nt only; indexed by column of y. */
  readonly bias?: { readonly view: BufferView; readonly dtype: DType } | undefined;
  /** nt: scale · h Bᵀ. nn: mask/(1-p) ∘ (h A), scale not applied. */
  readonly lora?: { readonly h: BufferView; readonly factor: BufferView; readonly rank: number; readonly scale: number } | undefined;
  /** nn only: the mask of the LoRA term, and the first row of this dispatch in the whole tensor. */
  readonly dropout?: MatmulDropout | undefined;
  readonly kernel?: MatmulKernel | undefined;
}

export interface MatmulDropout {
  readonly batch: BufferView;
  readonly row0: number;
  readonly dropThreshold: number;
  readonly dropScale: number;
  readonly stream: number;
}

/** WEIGHT of matmul.wgsl, or FORMAT of matmul_quantised.wgsl. */
const KINDS: Readonly<Record<DType, number>> = { f32: 0, bf16: 1, f16: 2, u32: 0, int8: 1, nf4: 2, nf4_double: 3 };

/** Rows and columns of y that a workgroup makes. */
const TILES: Readonly<Record<MatmulKernel, readonly [number, number]>> = { register: [32, 32], subgroup: [128, 64], shared: [64, 64] };

/** Append one product. */
export function encodeMatmul(encoder: Encoder, request: MatmulRequest): void {
  const { form, m, n, k, x, w, y, bias, lora, dropout } = request;
  const wanted = request.kernel ?? encoder.matmul;
  const xColumn = x.column ?? 0;
  const quantised = isQuantised(w.dtype);
  const rowUnit = form === "nt" && quantised && w.dtype !== "int8" ? NF4_BLOCK : 4;
  const wide = (form === "nt" ? k : n) % rowUnit === 0 && x.ld % 4 === 0 && xColumn % 4 === 0;
  const kernel = wanted === "subgroup" && (quantised || !wide || k % 4 !== 0 || m < SUBGROUP_ROWS) ? "register" : wanted;
  // A single row (generation) takes a flat tile: three quarters of a 4x4 one would repeat that row.
  const flat = kernel === "register" && m === 1;
  const [tileRows, tileColumns] = flat ? [1, 256] : TILES[kernel];
  encoder.dispatch({
    family: kernel === "subgroup" ? matmulSubgroupFamily : quantised ? matmulQuantisedFamily : matmulFamily,
    entry: kernel === "subgroup" ? "subgroupRows" : form + (kernel === "register" ? "Register" : "Shared") + (quantised ? "Quantised" : ""),
    constants: { [quantised ? "FORMAT" : "WEIGHT"]: KINDS[w.dtype], VEC: wide, ...(flat ? { ROWS: 1 } : {}), ...(kernel === "subgroup" ? { NN: form === "nn" } : {}) },
    bindings: {
      x: x.view,
      x4: wide ? x.view : undefined,
      w: w.view,
      ...(quantised ? { scales: w.scales } : { w2: wide ? w.view : undefined }),
      y: y.view,
      bias: bias?.view,
      h: lora?.h,
      loraB: form === "nt" ? lora?.factor : undefined,
      loraA: form === "nn" ? lora?.factor : undefined,
      batch: dropout?.batch,
    },
    params: {
      m,
      n,
      k,
      ldx: x.ld,
      xColumn,
      ldy: y.ld,
      yColumn: y.column ?? 0,
      accumulate: request.accumulate ? 1 : 0,
      biasKind: bias ? KINDS[bias.dtype] + 1 : 0,
      rank: lora?.rank ?? 0,
      loraScale: lora?.scale ?? 0,
      row0: dropout?.row0 ?? 0,
      dropThreshold: dropout?.dropThreshold ?? 0,
      dropScale: dropout?.dropScale ?? 1,
      stream: dropout?.stream ?? 0,
    },
    groups: Math.ceil(m / tileRows) * Math.ceil(n / tileColumns),
    flops: 2 * m * n * (k + (lora?.rank ?? 0)),
  });
}
