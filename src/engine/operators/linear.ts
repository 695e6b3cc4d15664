/**
 * @file A layer on a frozen weight, with an optional bias and a LoRA adapter (Hu et al., arXiv 2106.09685).
 *
 *     forward    h  = drop(x) Aᵀ                                  loraDown      [T, r]
 *                y  = [residual +] x Wᵀ + b + s h Bᵀ              linear        [T, out]; all but the product in the epilogue
 *     backward   ∂h = s ∂y B                                      loraHiddenGradient
 *                ∂B += s ∂yᵀ h,   ∂A += ∂hᵀ drop(x)               loraFactorGradient
 *                ∂x (+)= ∂y W + mask/(1-p) ∘ (∂h A)               linearInputGradient
 *
 * The gradient of the residual is ∂y itself. `W + s B A` is never built, W and b are frozen and have no gradient. The dropout mask is recomputed (dropout.ts). The gradient of x
 * is added to what has arrived there already, in its place where nobody else reads it.
 */

import type { Encoder } from "../encoder.ts";
import type { Graph, GraphNode, Operator, Tape } from "../graph.ts";
import { loraFamily, loraSubgroupFamily } from "../kernels.ts";
import type { Candidates, ProductForm, ProductKernel } from "../routing/router.ts";
import type { BufferView } from "../storage.ts";
import type { Tensor } from "../tensor.ts";
import { add } from "./add.ts";
import { type DropoutOptions, dropThreshold, dropoutParams } from "./dropout.ts";
import { encodeMatmul } from "./matmul.ts";

export interface LoraOptions {
  /** [r, in], a parameter. */
  readonly A: Tensor;
  /** [out, r], a parameter. */
  readonly B: Tensor;
  /** lora_alpha / r, or lora_alpha / sqrt(r) with use_rslora. */
  readonly scale: number;
  readonly dropout?: DropoutOptions;
}

export interface LinearOptions {
  readonly name: string;
  /** [out, in], f32, bf16, f16, or quantised (int8, nf4, nf4_double). */
  readonly weight: Tensor;
  /** [out]. */
  readonly bias?: Tensor;
  readonly lora?: LoraOptions;
  /** [T, out]: what the layer's output is added to, without a pass of its own unless the layer has a bias. */
  readonly residual?: Tensor | undefined;
  /** Force a kernel, for tests and benchmarks; by default the router decides. */
  readonly kernel?: ProductKernel;
}

interface LinearAttributes {
  readonly options: LinearOptions;
  readonly x: Tensor;
  readonly y: Tensor;
  /** drop(x) Aᵀ [T, r]. */
  readonly h: Tensor | undefined;
}

interface InputGradientAttributes {
  readonly options: LinearOptions;
  readonly dy: Tensor;
  readonly dx: Tensor;
  readonly dh: Tensor | undefined;
  /** What has arrived at x so far. */
  readonly accumulated: Tensor | undefined;
}

/** A skinny product: `z` [T, width], the factor or the reduced side `s`, and `y`. */
export interface SkinnyAttributes {
  readonly z: Tensor;
  readonly s: Tensor;
  readonly y: Tensor;
  readonly rank: number;
  readonly transposed: boolean;
  readonly scale: number;
  readonly dropout: DropoutOptions | undefined;
  readonly kernel: ProductKernel | undefined;
}

/**
 * y = x Wᵀ + b + s · (drop(x) Aᵀ) Bᵀ, added to the residual where there is one.
 * @param x [T, in]
 * @returns [T, out]
 * @throws Error when shapes do not fit, BasinError for an impossible dropout probability.
 */
export function linear(graph: Graph, x: Tensor, options: LinearOptions): Tensor {
  const { weight, bias, lora, residual, name } = options;
  if (bias && residual) return add(graph, residual, linear(graph, x, { ...options, residual: undefined }));
  const [rows, width] = matrix(x, name);
  const [out, inner] = matrix(weight, name);
  if (inner !== width)
    throw new Error(`${name}: x [${x.shape.join(", ")}] does not fit W [${weight.shape.join(", ")}]`);
  if (bias && bias.shape[0] !== out)
    throw new Error(`${name}: the bias [${bias.shape.join(", ")}] does not fit W [${weight.shape.join(", ")}]`);
  if (residual && (residual.shape[0] !== rows || residual.shape[1] !== out)) {
    throw new Error(`${name}: ${residual.name} [${residual.shape.join(", ")}] cannot be added to [${rows}, ${out}]`);
  }
  const h = lora ? loraDown(graph, x, lora, options, out) : undefined;
  const y = graph.value(name, [rows, out]);
  const inputs = [
    x,
    weight,
    ...(bias ? [bias] : []),
    ...(lora && h ? [h, lora.B] : []),
    ...(residual ? [residual] : []),
  ];
  graph.add(linearOperator, { options, x, y, h }, inputs, [y]);
  return y;
}

function loraDown(graph: Graph, x: Tensor, lora: LoraOptions, { name, kernel }: LinearOptions, out: number): Tensor {
  const [rows, width] = matrix(x, name);
  const [rank, inner] = matrix(lora.A, name);
  if (inner !== width || lora.B.shape[0] !== out || lora.B.shape[1] !== rank) {
    throw new Error(
      `${name}: A [${lora.A.shape.join(", ")}] and B [${lora.B.shape.join(", ")}] do not fit W [${out}, ${width}]`,
    );
  }
  const dropout = activeDropout(lora);
  const h = graph.value(`${name} down`, [rows, rank]);
  const attributes: SkinnyAttributes = { z: x, s: lora.A, y: h, rank, transposed: false, scale: 1, dropout, kernel };
  graph.add(loraDownOperator, attributes, [x, lora.A, ...(dropout ? [dropout.batch] : [])], [h]);
  return h;
}

/** The dropout of an adapter, or undefined where it drops nothing. */
function activeDropout(lora: LoraOptions): DropoutOptions | undefined {
  return lora.dropout && dropThreshold(lora.dropout.p) > 0 ? lora.dropout : undefined;
}

function matrix(tensor: Tensor, name: string): readonly [number, number] {
  const [rows, columns] = tensor.shape;
  if (rows === undefined || columns === undefined || tensor.shape.length !== 2) {
    throw new Error(`${name}: ${tensor.name} [${tensor.shape.join(", ")}] is not a matrix`);
  }
  return [rows, columns];
}

const linearOperator: Operator<LinearAttributes> = {
  name: "linear",
  encode: ({ attributes: { options, x, y, h } }, encoder) => {
    const { weight, bias, lora, residual, name, kernel } = options;
    const [, width] = matrix(x, name);
    const [out] = matrix(weight, name);
    for (const rows of encoder.ranges(x, y, ...(h ? [h] : []), ...(residual ? [residual] : []))) {
      for (const columns of encoder.ranges(weight)) {
        encodeMatmul(encoder, {
          form: "nt",
          m: rows.rows,
          n: columns.rows,
          k: width,
          x: { view: encoder.rows(x, rows), ld: width },
          w: { view: encoder.rows(weight, columns), dtype: weight.dtype, scales: encoder.scales(weight) },
          y: { view: encoder.rows(y, rows), ld: out, column: columns.row },
          bias: bias && { view: encoder.whole(bias), dtype: bias.dtype },
          residual: residual && encoder.rows(residual, rows),
          lora: lora &&
            h && {
              h: encoder.rows(h, rows),
              factor: encoder.whole(lora.B),
              rank: lora.B.shape[1] ?? 0,
              scale: lora.scale,
            },
          kernel,
        });
      }
    }
  },
  backward: ({ attributes: { options, x, y, h } }, tape) => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const { lora, residual } = options;
    const dh = lora && h ? loraBackward(tape, options, x, h, dy, lora) : undefined;
    if (tape.needsGradient(x)) inputGradient(tape, options, x, dy, dh);
    // The same tensor: whoever adds to it in place may do so only when nobody reads ∂y later, which the plan checks.
    if (residual && tape.needsGradient(residual)) tape.addGradient(residual, dy);
  },
};

/** Gradients of A and B. @returns ∂h where A or x needs it. */
function loraBackward(
  tape: Tape,
  { name, kernel }: LinearOptions,
  x: Tensor,
  h: Tensor,
  dy: Tensor,
  lora: LoraOptions,
): Tensor | undefined {
  const { graph } = tape;
  const [rank] = matrix(lora.A, name);
  const dropout = activeDropout(lora);
  if (tape.needsGradient(lora.B)) {
    const gradient = tape.parameterGradient(lora.B);
    const attributes: SkinnyAttributes = {
      z: dy,
      s: h,
      y: gradient,
      rank,
      transposed: true,
      scale: lora.scale,
      dropout: undefined,
      kernel,
    };
    graph.add(loraFactorGradientOperator, attributes, [dy, h], [gradient]);
  }
  if (!tape.needsGradient(lora.A) && !tape.needsGradient(x)) return undefined;
  const dh = graph.value(`∂ ${name} down`, h.shape);
  graph.add(
    loraHiddenGradientOperator,
    { z: dy, s: lora.B, y: dh, rank, transposed: true, scale: lora.scale, dropout: undefined, kernel },
    [dy, lora.B],
    [dh],
  );
  if (tape.needsGradient(lora.A)) {
    const gradient = tape.parameterGradient(lora.A);
    const attributes: SkinnyAttributes = {
      z: x,
      s: dh,
      y: gradient,
      rank,
      transposed: false,
      scale: 1,
      dropout,
      kernel,
    };
    graph.add(loraFactorGradientOperator, attributes, [x, dh, ...(dropout ? [dropout.batch] : [])], [gradient]);
  }
  return dh;
}

function inputGradient(tape: Tape, options: LinearOptions, x: Tensor, dy: Tensor, dh: Tensor | undefined): void {
  const { weight, lora } = options;
  const accumulated = tape.gradient(x);
  const dx = tape.graph.value(`∂ ${x.name}`, x.shape);
  const dropout = lora && dh ? activeDropout(lora) : undefined;
  const inputs = [
    ...(accumulated ? [accumulated] : []),
    dy,
    weight,
    ...(lora && dh ? [dh, lora.A] : []),
    ...(dropout ? [dropout.batch] : []),
  ];
  tape.graph.add(
    accumulated ? linearInputGradientSum : linearInputGradient,
    { options, dy, dx, dh, accumulated },
    inputs,
    [dx],
  );
  tape.setGradient(x, dx);
}

function encodeInputGradient({ attributes }: GraphNode<InputGradientAttributes>, encoder: Encoder): void {
  const { options, dy, dx, dh, accumulated } = attributes;
  const { weight, lora, name, kernel } = options;
  const [out, width] = matrix(weight, name);
  if (accumulated) encoder.ensureInPlace(accumulated, dx);
  const dropout = lora && dh ? activeDropout(lora) : undefined;
  for (const rows of encoder.ranges(dy, dx, ...(dh ? [dh] : []))) {
    for (const [index, part] of encoder.ranges(weight).entries()) {
      const first = index === 0;
      encodeMatmul(encoder, {
        form: "nn",
        m: rows.rows,
        n: width,
        k: part.rows,
        x: { view: encoder.rows(dy, rows), ld: out, column: part.row },
        w: { view: encoder.rows(weight, part), dtype: weight.dtype, scales: encoder.scales(weight) },
        y: { view: encoder.rows(dx, rows), ld: width },
        accumulate: accumulated !== undefined || !first,
        lora:
          lora && dh && first
            ? { h: encoder.rows(dh, rows), factor: encoder.whole(lora.A), rank: lora.A.shape[0] ?? 0, scale: 1 }
            : undefined,
        dropout:
          dropout && first
            ? { batch: encoder.whole(dropout.batch), row0: rows.row, ...dropoutParams(dropout) }
            : undefined,
        kernel,
      });
    }
  }
}

const linearInputGradient: Operator<InputGradientAttributes> = {
  name: "linearInputGradient",
  encode: encodeInputGradient,
};

const linearInputGradientSum: Operator<InputGradientAttributes> = {
  name: "linearInputGradient",
  inPlace: { output: 0, input: 0 },
  encode: encodeInputGradient,
};

/** Invocations that share a block, and of a workgroup, see shaders/lora.wgsl. */
const SKINNY = {
  register: { slices: 1, down: 16, reduce: 16 },
  subgroup: { slices: 1, down: 16, reduce: 16 },
  shared: { slices: 64, down: 64, reduce: 256 },
} as const;

function skinnyCandidates(encoder: Encoder, wide: boolean): Candidates {
  if (!encoder.software) return ["shared", "register"];
  return encoder.fastPaths.subgroupsOfFour && wide ? ["subgroup", "register", "shared"] : ["register", "shared"];
}

/** Append one skinny product: `down` makes [T, r], `reduce` adds to a factor's gradient. */
export function encodeSkinny(entry: "down" | "reduce", attributes: SkinnyAttributes, encoder: Encoder): void {
  const { z, s, y, rank, transposed, scale, dropout } = attributes;
  const [tokens = 1, width = 1] = z.shape;
  const batch: BufferView | undefined = dropout && encoder.whole(dropout.batch);
  const wide = width % 4 === 0;
  const form: ProductForm =
    entry === "down" ? (transposed ? "hidden" : "down") : transposed ? "gradientB" : "gradientA";
  const [m, n, k] =
    entry === "down" ? [tokens, rank, width] : transposed ? [width, rank, tokens] : [rank, width, tokens];
  const wanted = attributes.kernel ?? encoder.route({ form, dtype: "f32", m, n, k }, skinnyCandidates(encoder, wide));
  // Forced kernels of dense products have no skinny form.
  const kernel = wanted === "shared" || (wanted === "subgroup" && wide) ? wanted : "register";
  const shared = kernel === "subgroup";
  const { slices, down, reduce } = SKINNY[kernel];
  const rankWide = rank % 4 === 0;
  // Down reads A along `width`; everything else reads its small side along the rank.
  const factorWide = entry === "down" && !transposed ? wide : rankWide;
  // `down` pairs rows of z with rows of y, `reduce` with rows of s; the other one is a factor or its gradient.
  const tall = entry === "down" ? y : s;
  for (const rows of encoder.ranges(z, tall)) {
    const factor = entry === "down" ? encoder.whole(s) : encoder.rows(s, rows);
    const source = encoder.rows(z, rows);
    const rankBlocks = Math.ceil(rank / 8);
    // Shared registers: four blocks to a subgroup, of the same ranks.
    const blocks =
      shared && entry === "down"
        ? 4 * Math.ceil(rows.rows / 16)
        : Math.ceil((entry === "down" ? rows.rows : width) / 4);
    const perGroup = (entry === "down" ? down : reduce) / slices;
    encoder.dispatch({
      family: shared ? loraSubgroupFamily : loraFamily,
      entry: shared ? `${entry}Shared` : entry,
      constants: {
        TRANSPOSED: transposed,
        VEC: wide,
        RANK_VEC: rankWide,
        DROPOUT: dropout !== undefined,
        DOWN_THREADS: down,
        REDUCE_THREADS: reduce,
        ...(shared ? {} : { SLICES: slices }),
      },
      bindings: {
        z: source,
        z4: wide ? source : undefined,
        s: factor,
        s4: factorWide ? factor : undefined,
        h: entry === "down" ? encoder.rows(y, rows) : encoder.whole(y),
        batch,
      },
      params: { rows: rows.rows, width, rank, scale, row0: rows.row, ...dropoutParams(dropout) },
      groups: entry === "down" ? (blocks * rankBlocks) / perGroup : Math.ceil(blocks / perGroup) * rankBlocks,
      flops: 2 * rows.rows * width * rank,
    });
  }
}

const loraDownOperator: Operator<SkinnyAttributes> = {
  name: "loraDown",
  encode: ({ attributes }, encoder) => encodeSkinny("down", attributes, encoder),
  // The linear node that reads h does all of it: it knows ∂y.
  backward: () => undefined,
};

const loraHiddenGradientOperator: Operator<SkinnyAttributes> = {
  name: "loraHiddenGradient",
  encode: ({ attributes }, encoder) => encodeSkinny("down", attributes, encoder),
};

const loraFactorGradientOperator: Operator<SkinnyAttributes> = {
  name: "loraFactorGradient",
  encode: ({ attributes }, encoder) => encodeSkinny("reduce", attributes, encoder),
};
