/**
 * @file One linear layer on the device against an f64 reference and central differences: forward, ∂x, ∂A, ∂B, for any
 * weight type.
 */

import { encodeBatchScalars } from "../../src/engine/batchScalars.ts";
import type { Gpu } from "../../src/engine/device.ts";
import type { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { dropoutKeeps } from "../../src/engine/operators/dropout.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import type { DType, Tensor } from "../../src/engine/tensor.ts";
import { plus, product, transpose, uniform } from "./numeric.ts";
import { type Numbers, type Operand, checkOperator } from "./operatorCheck.ts";

export interface LinearCase {
  readonly T: number;
  readonly d: number;
  readonly out: number;
  readonly r?: number;
  readonly p?: number;
  readonly dtype?: DType;
  readonly biasDtype?: DType;
  readonly kernel?: string;
  /** x has a gradient already when the layer's is added. */
  readonly residual?: boolean;
  /** The layer's output is added to a residual in its own pass. */
  readonly added?: boolean;
}

const SCALE = 1.75;
const SEED = 42;
const COUNTER = 9;
const STREAM = 5;

type Name = "x" | "W" | "b" | "A" | "B" | "base" | "batch";
type Values = Readonly<Partial<Record<Name, Numbers>>>;

/** The layer in f64. */
class Reference {
  readonly #of: LinearCase;
  /** Factor of each entry of x. */
  readonly #mask: Float64Array;

  constructor(of: LinearCase) {
    this.#of = of;
    const p = of.p ?? 0;
    this.#mask = Float64Array.from({ length: of.T * of.d }, (_, i) =>
      dropoutKeeps(SEED, COUNTER, STREAM, i, p) ? 1 / (1 - p) : 0,
    );
  }

  #masked(values: Numbers): Float64Array {
    return this.#mask.map((factor, i) => factor * (values[i] ?? 0));
  }

  forward({ x = [], W = [], b, A = [], B = [], base }: Values): Float64Array {
    const { T, d, out, r = 0 } = this.#of;
    const h = product(this.#masked(x), A, T, r, d, true);
    const y = plus(product(x, W, T, out, d, true), product(h, B, T, out, r, true), SCALE);
    return y.map((value, i) => value + (b?.[i % out] ?? 0) + (base?.[i] ?? 0));
  }

  backward({ x = [], W = [], A = [], B = [] }: Values, dy: Numbers): Record<"x" | "A" | "B", Float64Array> {
    const { T, d, out, r = 0 } = this.#of;
    const dropped = this.#masked(x);
    const h = product(dropped, A, T, r, d, true);
    const dh = product(dy, B, T, r, out).map((value) => SCALE * value);
    return {
      x: plus(product(dy, W, T, d, out), this.#masked(product(dh, A, T, d, r))),
      A: product(transpose(dh, T, r), dropped, r, d, T),
      B: product(transpose(dy, T, out), h, out, r, T).map((value) => SCALE * value),
    };
  }
}

function operandsOf({ T, d, out, r, p, dtype, biasDtype, added }: LinearCase): Record<string, Operand> {
  const scalars = encodeBatchScalars({ seed: SEED, counter: COUNTER, lossScale: 1 });
  return {
    x: { shape: [T, d], values: uniform(T * d, 3), grad: true },
    W: { kind: "weight", shape: [out, d], values: uniform(out * d, 1), ...(dtype ? { dtype } : {}) },
    ...(biasDtype ? { b: { kind: "weight", shape: [out], values: uniform(out, 2), dtype: biasDtype } } : {}),
    ...(r ? { A: { kind: "parameter", shape: [r, d], values: uniform(r * d, 4), grad: true } } : {}),
    ...(r ? { B: { kind: "parameter", shape: [out, r], values: uniform(out * r, 5), grad: true } } : {}),
    ...(p === undefined ? {} : { batch: { shape: [4], values: new Uint32Array(scalars) } }),
    ...(added ? { base: { shape: [T, out], values: uniform(T * out, 8), grad: true } } : {}),
  };
}

/** The layer, and where x has another gradient, x + x. */
function graphOf({ p = 0, kernel, residual }: LinearCase) {
  return (graph: Graph, { x, W, b, A, B, base, batch }: Partial<Record<Name, Tensor>>): Record<string, Tensor> => {
    if (!x || !W) throw new Error("a layer needs x and W");
    const dropout = batch && { p, stream: STREAM, batch };
    const lora = A && B && { A, B, scale: SCALE, dropout };
    const y = linear(graph, x, {
      name: "layer",
      weight: W,
      bias: b,
      residual: base,
      lora,
      ...(kernel ? { kernel } : {}),
    });
    // Both summands get one gradient: nothing may write into it.
    return { y, ...(residual ? { z: add(graph, x, x) } : {}) };
  };
}

export async function checkLinear(gpu: Gpu, of: LinearCase): Promise<void> {
  const reference = new Reference(of);
  await checkOperator<string>(gpu, {
    operands: operandsOf(of),
    graph: graphOf(of),
    reference: (values: Values) => ({
      y: reference.forward(values),
      ...(of.residual ? { z: plus(values.x ?? [], values.x ?? []) } : {}),
    }),
    gradient: (values: Values, { y = [], z }) => {
      const { x, ...factors } = reference.backward(values, y);
      return { x: z ? plus(x, z, 2) : x, ...factors, base: y };
    },
    tolerance: { output: 1e-5, gradient: 1e-5, differences: 2e-5, reference: 2e-5 },
    samples: 6,
  });
}
