/**
 * @file One dispatch of the product kernels (shaders/matmul.wgsl and the texts that follow it), for the operators that use them.
 *
 *     nt   y[m,n]  = Σ_k x[m,k] W[n,k]      a layer's output
 *     nn   y[m,n] (+)= Σ_k x[m,k] W[k,n]    the gradient of its input
 */

import type { Encoder, FastPaths, F16Loading } from "../encoder.ts";
import type { Constants, KernelFamily } from "../kernel.ts";
import {
  type ProductFamilies,
  registerFamilies,
  subgroupFamilies,
  subgroupMatrixFamilies,
  tileFamilies,
  vectorFamilies,
} from "../kernels.ts";
import { NF4_BLOCK, isQuantised } from "../quantised.ts";
import { type Candidates, type ProductKernel } from "../routing/router.ts";
import type { BufferView } from "../storage.ts";
import type { DType } from "../tensor.ts";

/** `kernel` undefined: the router's choice; one that does not fit the request gives way to `register`. */
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
  /** nt only, in the place of a bias: the rows of y's summand, f32, with y's stride; not y itself. */
  readonly residual?: BufferView | undefined;
  /** nt: scale · h Bᵀ. nn: mask/(1-p) ∘ (h A), scale not applied. */
  readonly lora?:
    | { readonly h: BufferView; readonly factor: BufferView; readonly rank: number; readonly scale: number }
    | undefined;
  /** nn only: the mask of the LoRA term, and the first row of this dispatch in the whole tensor. */
  readonly dropout?: MatmulDropout | undefined;
  readonly kernel?: ProductKernel | undefined;
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

/** The `biasKind` of a residual. */
const RESIDUAL = 4;

/** What decides which kernels a product may have. */
interface Facts {
  readonly form: "nt" | "nn";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly quantised: boolean;
  /** Operands can be read as vec4. */
  readonly wide: boolean;
  readonly fastPaths: FastPaths;
}

interface Variant {
  readonly fits: (facts: Facts) => boolean;
  readonly kernel: (facts: Facts) => {
    readonly families: ProductFamilies;
    readonly entry: string;
    readonly constants: Constants;
  };
  /** Rows and columns of y that a workgroup makes. */
  readonly tile: (facts: Facts) => readonly [number, number];
}

/** A single row (generation) takes a flat tile: three quarters of a 4x4 one would repeat that row. */
const FLAT_ROWS = 1;
/** Rows from which a tile of 16 pays. */
const SUBGROUP_ROWS = 8;
/** Rows of a workgroup of the vector kernel, at most; with twice as many it may still win. */
const VECTOR_ROWS = 8;

const VARIANTS: Readonly<Record<ProductKernel, Variant>> = {
  register: {
    fits: () => true,
    kernel: ({ form, m, quantised }) => ({
      families: registerFamilies,
      entry: `${form}Register${quantised ? "Quantised" : ""}`,
      constants: { ROWS: m === FLAT_ROWS ? 1 : 4 },
    }),
    tile: ({ m }) => (m === FLAT_ROWS ? [1, 256] : [32, 32]),
  },
  subgroup: {
    fits: ({ wide, k, m, fastPaths }) => fastPaths.subgroupsOfFour && wide && k % 4 === 0 && m >= SUBGROUP_ROWS,
    kernel: ({ form }) => ({ families: subgroupFamilies, entry: "subgroupRows", constants: { NN: form === "nn" } }),
    tile: () => [128, 64],
  },
  shared: tiled(64, 1),
  portable: tiled(32, 1),
  split: tiled(32, 4),
  vector: {
    fits: ({ form, m }) => form === "nt" && m <= 2 * VECTOR_ROWS,
    kernel: (facts) => ({ families: vectorFamilies, entry: "ntVector", constants: { ROWS: vectorRows(facts) } }),
    tile: (facts) => [vectorRows(facts), 4],
  },
  subgroup_matrix: {
    fits: ({ fastPaths }) => fastPaths.matrixSubgroup !== undefined,
    kernel: ({ form, fastPaths }) => ({
      families: subgroupMatrixFamilies,
      entry: `${form}SubgroupMatrix`,
      constants: { SUBGROUP: fastPaths.matrixSubgroup ?? 0 },
    }),
    tile: () => [64, 64],
  },
};

/** TILE and SLICES of matmul_tile.wgsl. */
function tiled(tile: 64 | 32, slices: 1 | 4): Variant {
  return {
    fits: () => true,
    kernel: ({ form }) => ({ families: tileFamilies, entry: `${form}Tile`, constants: { TILE: tile, SLICES: slices } }),
    tile: () => [tile, tile],
  };
}

/** 1, 2, 4 or 8. */
function vectorRows({ m }: Facts): number {
  return Math.min(VECTOR_ROWS, 2 ** Math.ceil(Math.log2(Math.max(1, m))));
}

/** Fewer tiles of 64x64 than this leave a GPU idle, and smaller ones come first (peers choose 16 to 64; where it pays is measured). */
const FEW_TILES = 32;

/** Built-in preference where nothing was measured: on a processor that plays a GPU what shares memory loses to what shares nothing. */
function preference(software: boolean, { m, n }: Facts): readonly ProductKernel[] {
  if (software) return ["subgroup", "register", "shared"];
  if (m <= VECTOR_ROWS) return ["vector", "portable", "split", "shared", "register"];
  const few = Math.ceil(m / 64) * Math.ceil(n / 64) < FEW_TILES;
  return few
    ? ["portable", "split", "subgroup_matrix", "shared", "register", "vector"]
    : ["subgroup_matrix", "shared", "portable", "split", "register"];
}

/** The kernels that a product may have, the built-in choice first. */
function candidates(software: boolean, facts: Facts): Candidates {
  const [first, ...others] = preference(software, facts).filter((kernel) => VARIANTS[kernel].fits(facts));
  return first === undefined ? ["register"] : [first, ...others];
}

/** The family for a weight's type, and the constants that say how it is read. */
function reading(
  families: ProductFamilies,
  dtype: DType,
  halves: F16Loading,
): { readonly family: KernelFamily; readonly constants: Constants } {
  if (isQuantised(dtype)) return { family: families.quantised, constants: { FORMAT: KINDS[dtype] } };
  if (dtype !== "f16" || halves === "integers") return { family: families.plain, constants: { WEIGHT: KINDS[dtype] } };
  return halves === "native"
    ? { family: families.half, constants: { WEIGHT: KINDS.f16 } }
    : { family: families.plain, constants: { WEIGHT: KINDS.f16, UNPACK: true } };
}

/** Append one product. */
export function encodeMatmul(encoder: Encoder, request: MatmulRequest): void {
  const { form, m, n, k, x, w, y, bias, residual, lora, dropout } = request;
  if (bias && residual) throw new Error("a product has a bias or a residual: they share a binding");
  const xColumn = x.column ?? 0;
  const quantised = isQuantised(w.dtype);
  const rowUnit = form === "nt" && quantised && w.dtype !== "int8" ? NF4_BLOCK : 4;
  const wide = (form === "nt" ? k : n) % rowUnit === 0 && x.ld % 4 === 0 && xColumn % 4 === 0;
  const facts: Facts = { form, m, n, k, quantised, wide, fastPaths: encoder.fastPaths };
  const wanted =
    request.kernel ?? encoder.route({ form, dtype: w.dtype, m, n, k }, candidates(encoder.software, facts));
  const variant = VARIANTS[VARIANTS[wanted].fits(facts) ? wanted : "register"];
  const { families, entry, constants } = variant.kernel(facts);
  const read = reading(families, w.dtype, encoder.fastPaths.f16Loading);
  const [tileRows, tileColumns] = variant.tile(facts);
  encoder.dispatch({
    family: read.family,
    entry,
    constants: { ...read.constants, VEC: wide, ...constants },
    bindings: {
      x: x.view,
      x4: wide ? x.view : undefined,
      w: w.view,
      ...(quantised ? { scales: w.scales } : { w2: wide ? w.view : undefined }),
      y: y.view,
      bias: bias?.view ?? residual,
      h: lora?.h,
      factor: lora?.factor,
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
      biasKind: bias ? KINDS[bias.dtype] + 1 : residual ? RESIDUAL : 0,
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
