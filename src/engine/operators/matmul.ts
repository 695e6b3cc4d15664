/**
 * @file One dispatch of a dense matmul kernel (shaders/matmul/), for the operators that use them.
 *
 *     nt   y[m,n] = Σ_k x[m,k] W[n,k] [+ bias or residual] [+ scale · h Bᵀ]     a layer's output
 *     nn   y[m,n] (+)= Σ_k x[m,k] W[k,n] [+ mask/(1-p) ∘ (h A)]                 the gradient of its input
 */

import type { Encoder } from "../encoder.ts";
import type { Constants, ParamsOf } from "../kernel.ts";
import type { MatmulFamilies } from "../kernels.ts";
import type { F16Loading } from "../matmul/fastPath.ts";
import { NF4_BLOCK, isQuantised } from "../quantised.ts";
import type { DenseForm } from "../routing/problem.ts";
import type { BufferView } from "../storage.ts";
import type { DType } from "../tensor.ts";
import type { DropoutParams } from "./dropout.ts";

export interface MatmulRequest {
  readonly form: DenseForm;
  readonly size: { readonly m: number; readonly n: number; readonly k: number };
  /** f32, m rows of k with stride `ld` (elements), starting at column `column`. */
  readonly x: Rows;
  readonly w: MatmulWeight;
  /** f32, m rows of n. */
  readonly y: Rows & {
    /** nn only: add to what is there. */
    readonly accumulate?: boolean;
  };
  /** nt only: what is added to the product. */
  readonly added?: MatmulSummand | undefined;
  readonly lora?: MatmulLora | undefined;
  /** By default the router's choice. One that does not fit the request gives way to `register`. */
  readonly kernel?: string | undefined;
}

export interface Rows {
  readonly view: BufferView;
  readonly ld: number;
  readonly column?: number;
}

/** [n, k] for nt, [k, n] for nn. */
export interface MatmulWeight {
  readonly view: BufferView;
  readonly dtype: DType;
  /** Of a quantised weight, all its rows; row 0 of `view` is then row y.column (nt) or x.column (nn) of the whole. */
  readonly scales?: BufferView | undefined;
}

/** A bias is indexed by the column of y; a residual has the rows of y, f32, with y's stride, and is not y itself. */
export type MatmulSummand =
  | { readonly kind: "bias"; readonly view: BufferView; readonly dtype: DType }
  | { readonly kind: "residual"; readonly view: BufferView };

/** nt adds scale · h Bᵀ, nn adds mask/(1-p) ∘ (h A) and ignores the scale. */
export interface MatmulLora {
  /** [m, rank] */
  readonly h: BufferView;
  /** B [n, rank] for nt, A [rank, n] for nn. */
  readonly factor: BufferView;
  readonly rank: number;
  readonly scale: number;
  /** nn only. */
  readonly dropout?: MatmulDropout | undefined;
}

export interface MatmulDropout extends DropoutParams {
  readonly batch: BufferView;
  /** First row of this dispatch in the whole tensor. */
  readonly row0: number;
}

/** WEIGHT of the kernels for stored numbers, or FORMAT of those for quantised ones. */
const KINDS: Readonly<Record<DType, number>> = { f32: 0, bf16: 1, f16: 2, u32: 0, int8: 1, nf4: 2, nf4_double: 3 };

/** The `biasKind` of a residual; that of a bias is its type's KIND + 1, and 0 is none. */
const RESIDUAL = 4;

/** Append one product. */
export function encodeMatmul(encoder: Encoder, request: MatmulRequest): void {
  const { form, size, x, w, y, added, lora } = request;
  const { m, n, k } = size;
  const quantised = isQuantised(w.dtype);
  const wide = isWide(request);
  const { software, fastPaths } = encoder;
  const facts = { form, m, n, k, quantised, wide, software, fastPaths };
  const kernel = encoder.matmulKernels.chooseDense(facts, request.kernel, (candidates) =>
    encoder.route({ form, dtype: w.dtype, m, n, k }, candidates),
  );
  const loading = weightLoading(kernel.source, w.dtype, fastPaths.f16Loading);
  const [tileRows, tileColumns] = kernel.tile(facts);
  encoder.dispatch({
    family: loading.family,
    entry: kernel.entry(facts),
    constants: { ...loading.constants, VEC: wide, ...kernel.constants(facts) },
    bindings: {
      x: x.view,
      x4: wide ? x.view : undefined,
      w: w.view,
      ...(quantised ? { scales: w.scales } : { w2: wide ? w.view : undefined }),
      y: y.view,
      bias: added?.view,
      h: lora?.h,
      factor: lora?.factor,
      batch: lora?.dropout?.batch,
    },
    params: matmulParams(request),
    groups: Math.ceil(m / tileRows) * Math.ceil(n / tileColumns),
    flops: 2 * m * n * (k + (lora?.rank ?? 0)),
  });
}

/** Whether x and W can be read as vec4. */
function isWide({ form, size, x, w }: MatmulRequest): boolean {
  const inBlocks = form === "nt" && (w.dtype === "nf4" || w.dtype === "nf4_double");
  const unit = inBlocks ? NF4_BLOCK : 4;
  return (form === "nt" ? size.k : size.n) % unit === 0 && x.ld % 4 === 0 && (x.column ?? 0) % 4 === 0;
}

/** The family for a weight's type, and the constants that say how it is read. */
function weightLoading(
  families: MatmulFamilies,
  dtype: DType,
  f16Loading: F16Loading,
): { readonly family: MatmulFamilies["plain"]; readonly constants: Constants } {
  if (isQuantised(dtype)) return { family: families.quantised, constants: { FORMAT: KINDS[dtype] } };
  if (dtype !== "f16" || f16Loading === "integers")
    return { family: families.plain, constants: { WEIGHT: KINDS[dtype] } };
  return f16Loading === "native"
    ? { family: families.half, constants: {} }
    : { family: families.plain, constants: { WEIGHT: KINDS.f16, UNPACK: true } };
}

function matmulParams({ size, x, y, added, lora }: MatmulRequest): ParamsOf<MatmulFamilies["plain"]> {
  return {
    ...size,
    ldx: x.ld,
    xColumn: x.column ?? 0,
    ldy: y.ld,
    yColumn: y.column ?? 0,
    accumulate: y.accumulate ? 1 : 0,
    biasKind: added === undefined ? 0 : added.kind === "bias" ? KINDS[added.dtype] + 1 : RESIDUAL,
    rank: lora?.rank ?? 0,
    loraScale: lora?.scale ?? 0,
    row0: lora?.dropout?.row0 ?? 0,
    dropThreshold: lora?.dropout?.dropThreshold ?? 0,
    dropScale: lora?.dropout?.dropScale ?? 1,
    stream: lora?.dropout?.stream ?? 0,
  };
}
