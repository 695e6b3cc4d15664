/**
 * @file LoRA's skinny products (shaders/lora/): one side of each is the rank, a few columns wide.
 *
 *     down        h  = s · drop(x) Aᵀ     z = x  [T, in]    s = A  [r, in]    y = h  [T, r]
 *     hidden      ∂h = s · ∂y B           z = ∂y [T, out]   s = B  [out, r]   y = ∂h [T, r]
 *     gradientA   ∂A += ∂hᵀ drop(x)       z = x  [T, in]    s = ∂h [T, r]     y = ∂A [r, in]
 *     gradientB   ∂B += s · ∂yᵀ h         z = ∂y [T, out]   s = h  [T, r]     y = ∂B [out, r]
 *
 * The first two reduce over the width of z (kernel entry `down`), the last two over its rows (`reduce`).
 */

import type { Encoder } from "../encoder.ts";
import type { Operator } from "../graph.ts";
import type { LoraEntry } from "../matmul/matmulKernel.ts";
import type { MatmulProblem } from "../routing/problem.ts";
import type { RowRange } from "../storage.ts";
import type { Tensor } from "../tensor.ts";
import { type DropoutOptions, dropoutParams } from "./dropout.ts";

export interface LoraProduct {
  readonly form: "down" | "hidden" | "gradientA" | "gradientB";
  /** The wide operand, f32. */
  readonly z: Tensor;
  /** The skinny operand, f32. */
  readonly s: Tensor;
  /** Gradients are added to it. */
  readonly y: Tensor;
  readonly scale: number;
  /** Of x. */
  readonly dropout?: DropoutOptions | undefined;
  /** Force a kernel (tests, benchmarks); by default the router decides. */
  readonly kernel?: string | undefined;
}

/** Which way a product reduces, and its three sides. */
interface Layout {
  readonly entry: LoraEntry;
  /** The skinny operand, or the gradient, has the rank along its columns. */
  readonly transposed: boolean;
  readonly rank: number;
  readonly width: number;
  readonly problem: MatmulProblem;
}

function layoutOf({ form, z, s }: LoraProduct): Layout {
  const [tokens = 1, width = 1] = z.shape;
  const [rank = 1] = form === "down" ? s.shape : s.shape.slice(1);
  const sides = {
    down: { m: tokens, n: rank, k: width },
    hidden: { m: tokens, n: rank, k: width },
    gradientA: { m: rank, n: width, k: tokens },
    gradientB: { m: width, n: rank, k: tokens },
  };
  return {
    entry: form === "down" || form === "hidden" ? "down" : "reduce",
    transposed: form === "hidden" || form === "gradientB",
    rank,
    width,
    problem: { form, dtype: "f32", ...sides[form] },
  };
}

/** Append one product: a dispatch for each range of rows that can be bound. */
export function encodeLoraProduct(encoder: Encoder, product: LoraProduct): void {
  const { z, s, y } = product;
  const layout = layoutOf(product);
  // `down` pairs rows of z with rows of y, `reduce` with rows of s; the other one is a factor or its gradient.
  const tall = layout.entry === "down" ? y : s;
  for (const rows of encoder.ranges(z, tall)) encodeRows(encoder, product, layout, rows);
}

function encodeRows(encoder: Encoder, product: LoraProduct, layout: Layout, rows: RowRange): void {
  const { z, s, y, scale, dropout } = product;
  const { entry, transposed, rank, width, problem } = layout;
  const { software, fastPaths } = encoder;
  const [wide, rankWide] = [width % 4 === 0, rank % 4 === 0];
  const kernel = encoder.matmulKernels.chooseLora({ wide, software, fastPaths }, product.kernel, (candidates) =>
    encoder.route(problem, candidates),
  );
  const down = entry === "down";
  const skinny = down ? encoder.whole(s) : encoder.rows(s, rows);
  const source = encoder.rows(z, rows);
  // `down` with A reads it along `width`; everything else reads its skinny side along the rank.
  const skinnyWide = down && !transposed ? wide : rankWide;
  const { tile } = kernel;
  const rankBlocks = Math.ceil(rank / 8);
  const blocks = down ? (Math.ceil(rows.rows / tile.rows) * tile.rows) / 4 : Math.ceil(width / 4);
  encoder.dispatch({
    family: kernel.source,
    entry: kernel.entry(entry),
    constants: {
      TRANSPOSED: transposed,
      VEC: wide,
      RANK_VEC: rankWide,
      DROPOUT: dropout !== undefined,
      ...kernel.constants,
    },
    bindings: {
      z: source,
      z4: wide ? source : undefined,
      s: skinny,
      s4: skinnyWide ? skinny : undefined,
      h: down ? encoder.rows(y, rows) : encoder.whole(y),
      batch: dropout && encoder.whole(dropout.batch),
    },
    params: { rows: rows.rows, width, rank, scale, row0: rows.row, ...dropoutParams(dropout) },
    groups: down ? (blocks * rankBlocks) / tile.down : Math.ceil(blocks / tile.reduce) * rankBlocks,
    flops: 2 * rows.rows * width * rank,
  });
}

const encode: Operator<LoraProduct>["encode"] = ({ attributes }, encoder) => encodeLoraProduct(encoder, attributes);

export const loraDownOperator: Operator<LoraProduct> = {
  name: "loraDown",
  encode,
  // The linear node that reads h does all of it: it knows ∂y.
  backward: () => undefined,
};

export const loraHiddenGradientOperator: Operator<LoraProduct> = { name: "loraHiddenGradient", encode };

export const loraFactorGradientOperator: Operator<LoraProduct> = { name: "loraFactorGradient", encode };
