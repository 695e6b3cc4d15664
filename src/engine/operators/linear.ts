/**
 * @file A layer on a frozen weight, with an optional bias and a LoRA adapter (Hu et al., arXiv 2106.09685).
 *
 *     forward    h  = drop(x) Aᵀ                                  loraDown      [T, r]
 *                y  = [residual +] x Wᵀ + b + s h Bᵀ              linear        [T, out], in one kernel
 *     backward   ∂h = s ∂y B                                      loraHiddenGradient
 *                ∂B += s ∂yᵀ h,   ∂A += ∂hᵀ drop(x)               loraFactorGradient
 *                ∂x (+)= ∂y W + mask/(1-p) ∘ (∂h A)               linearInputGradient
 *
 * The gradient of the residual is ∂y itself. `W + s B A` is never built, W and b are frozen and have no gradient. The
 * dropout mask is recomputed (dropout.ts). The gradient of x is added to what was accumulated there already, in place
 * where nobody else reads it.
 */

import type { Encoder } from "../encoder.ts";
import type { Graph, GraphNode, Operator, Tape } from "../graph.ts";
import type { Tensor } from "../tensor.ts";
import { add } from "./add.ts";
import { type DropoutOptions, dropThreshold, dropoutParams } from "./dropout.ts";
import { loraDownOperator, loraFactorGradientOperator, loraHiddenGradientOperator } from "./loraProduct.ts";
import { encodeMatmul } from "./matmul.ts";

export interface LoraOptions {
  /** [r, in], a parameter. */
  readonly A: Tensor;
  /** [out, r], a parameter. */
  readonly B: Tensor;
  /** lora_alpha / r, or lora_alpha / sqrt(r) with use_rslora. */
  readonly scale: number;
  readonly dropout?: DropoutOptions | undefined;
}

export interface LinearOptions {
  readonly name: string;
  /** [out, in], f32, bf16, f16, or quantised (int8, nf4, nf4_double). */
  readonly weight: Tensor;
  /** [out]. */
  readonly bias?: Tensor | undefined;
  readonly lora?: LoraOptions | undefined;
  /** [T, out]: added to the layer's output, in its epilogue unless the layer has a bias. */
  readonly residual?: Tensor | undefined;
  /** Force a kernel, for tests and benchmarks; by default the router decides. */
  readonly kernel?: string;
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
  /** The gradient of x accumulated so far. */
  readonly accumulated: Tensor | undefined;
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
  const product = { form: "down", z: x, s: lora.A, y: h, scale: 1, dropout, kernel } as const;
  graph.add(loraDownOperator, product, [x, lora.A, ...(dropout ? [dropout.batch] : [])], [h]);
  return h;
}

/** The dropout of an adapter, or undefined where it drops nothing. */
function activeDropout(lora: Pick<LoraOptions, "dropout">): DropoutOptions | undefined {
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
          size: { m: rows.rows, n: columns.rows, k: width },
          x: { view: encoder.rows(x, rows), ld: width },
          w: { view: encoder.rows(weight, columns), dtype: weight.dtype, scales: encoder.scales(weight) },
          y: { view: encoder.rows(y, rows), ld: out, column: columns.row },
          added: bias
            ? { kind: "bias", view: encoder.whole(bias), dtype: bias.dtype }
            : residual && { kind: "residual", view: encoder.rows(residual, rows) },
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
    // The same tensor: it is added to in place only where nobody reads ∂y later, which the plan checks.
    if (residual && tape.needsGradient(residual)) tape.addGradient(residual, dy);
  },
};

/** Gradients of A and B. @returns ∂h [T, r] where A or x needs it */
function loraBackward(
  tape: Tape,
  { name, kernel }: LinearOptions,
  x: Tensor,
  h: Tensor,
  dy: Tensor,
  { A, B, scale, ...options }: LoraOptions,
): Tensor | undefined {
  const { graph } = tape;
  const dropout = activeDropout(options);
  if (tape.needsGradient(B)) {
    const gradient = tape.parameterGradient(B);
    const product = { form: "gradientB", z: dy, s: h, y: gradient, scale, kernel } as const;
    graph.add(loraFactorGradientOperator, product, [dy, h], [gradient]);
  }
  if (!tape.needsGradient(A) && !tape.needsGradient(x)) return undefined;
  const dh = graph.value(`∂ ${name} down`, h.shape);
  graph.add(loraHiddenGradientOperator, { form: "hidden", z: dy, s: B, y: dh, scale, kernel }, [dy, B], [dh]);
  if (tape.needsGradient(A)) {
    const gradient = tape.parameterGradient(A);
    const product = { form: "gradientA", z: x, s: dh, y: gradient, scale: 1, dropout, kernel } as const;
    graph.add(loraFactorGradientOperator, product, [x, dh, ...(dropout ? [dropout.batch] : [])], [gradient]);
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
        size: { m: rows.rows, n: width, k: part.rows },
        x: { view: encoder.rows(dy, rows), ld: out, column: part.row },
        w: { view: encoder.rows(weight, part), dtype: weight.dtype, scales: encoder.scales(weight) },
        y: { view: encoder.rows(dx, rows), ld: width, accumulate: accumulated !== undefined || !first },
        lora:
          lora && dh && first
            ? {
                h: encoder.rows(dh, rows),
                factor: encoder.whole(lora.A),
                rank: lora.A.shape[0] ?? 0,
                scale: 1,
                dropout: dropout && { batch: encoder.whole(dropout.batch), row0: rows.row, ...dropoutParams(dropout) },
              }
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
