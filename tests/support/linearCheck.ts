/**
 * @file One linear layer on the device against an f64 reference and finite differences: forward, ∂x, ∂A, ∂B, for any
 * weight type.
 */

import { expect } from "vitest";
import { encodeBatchScalars } from "../../src/engine/batchScalars.ts";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { dropoutKeeps } from "../../src/engine/operators/dropout.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { isQuantised } from "../../src/engine/quantised.ts";
import type { DType, Tensor } from "../../src/engine/tensor.ts";
import { storeWeight } from "./halves.ts";
import {
  type Vector,
  finiteDifferences,
  inner,
  pick,
  product,
  relativeError,
  spread,
  transpose,
  uniform,
} from "./matrices.ts";
import { quantisedWeight } from "./quantised.ts";
import { runGraph } from "./runGraph.ts";

export interface LinearCase {
  readonly T: number;
  readonly d: number;
  readonly out: number;
  readonly r?: number;
  readonly p?: number;
  readonly dtype?: DType;
  readonly biasDtype?: DType;
  readonly kernel?: string;
  /** Another gradient has arrived at x before. */
  readonly residual?: boolean;
  /** The layer's output is added to a residual in its own pass. */
  readonly added?: boolean;
}

const SCALE = 1.75;
const SEED = 42;
const COUNTER = 9;
const STREAM = 5;

/** The whole layer in f64. */
class Reference {
  readonly #of: LinearCase;
  readonly #mask: Vector;
  constructor(of: LinearCase) {
    this.#of = of;
    const p = of.p ?? 0;
    this.#mask = Float64Array.from({ length: of.T * of.d }, (_, i) =>
      dropoutKeeps(SEED, COUNTER, STREAM, i, p) ? 1 / (1 - p) : 0,
    );
  }
  forward(x: Vector, W: Vector, bias: Vector | undefined, A: Vector, B: Vector): Vector {
    const { T, d, out, r = 0 } = this.#of;
    const y = product(x, W, T, out, d, true);
    const h = product(
      x.map((value, i) => value * (this.#mask[i] ?? 0)),
      A,
      T,
      r,
      d,
      true,
    );
    const delta = product(h, B, T, out, r, true);
    return y.map((value, i) => value + (bias?.[i % out] ?? 0) + SCALE * (delta[i] ?? 0));
  }
  backward(x: Vector, W: Vector, A: Vector, B: Vector, dy: Vector): { x: Vector; A: Vector; B: Vector } {
    const { T, d, out, r = 0 } = this.#of;
    const dropped = x.map((value, i) => value * (this.#mask[i] ?? 0));
    const h = product(dropped, A, T, r, d, true);
    const dh = product(dy, B, T, r, out).map((value) => SCALE * value);
    const through = product(dh, A, T, d, r);
    return {
      x: product(dy, W, T, d, out).map((value, i) => value + (this.#mask[i] ?? 0) * (through[i] ?? 0)),
      A: product(transpose(dh, T, r), dropped, r, d, T),
      B: product(transpose(dy, T, out), h, out, r, T).map((value) => SCALE * value),
    };
  }
}

export async function checkLinear(gpu: Gpu, of: LinearCase): Promise<void> {
  const { T, d, out, r = 0, p, dtype = "f32", biasDtype, kernel, residual, added } = of;
  const graph = new Graph();
  const x = graph.input("x", [T, d]);
  const weight = graph.weight("W", [out, d], dtype);
  const bias = biasDtype && graph.weight("b", [out], biasDtype);
  const batch = graph.input("batch", [4], "u32");
  const A = graph.parameter("A", [Math.max(1, r), d]);
  const B = graph.parameter("B", [out, Math.max(1, r)]);
  const base = graph.input("base", [T, out]);
  const y = linear(graph, x, {
    name: "layer",
    ...(added ? { residual: base } : {}),
    weight,
    ...(bias ? { bias } : {}),
    ...(r
      ? { lora: { A, B, scale: SCALE, ...(p === undefined ? {} : { dropout: { p, stream: STREAM, batch } }) } }
      : {}),
    ...(kernel ? { kernel } : {}),
  });
  graph.retain(y);
  const dy = graph.input("dy", [T, out]);
  const dz = graph.input("dz", [T, d]);
  const seeds = new Map<Tensor, Tensor>([[y, dy]]);
  if (residual) {
    // Both summands get dz: nothing may write into it.
    const z = add(graph, x, x);
    seeds.set(z, dz);
  }
  const wrt = new Set<Tensor>([x, ...(r ? [A, B] : []), ...(added ? [base] : [])]);
  const gradientOf = backward(graph, { seeds, wrt, add });
  const dx = gradientOf.get(x);
  if (!dx) throw new Error("x got no gradient");

  const W = isQuantised(dtype)
    ? quantisedWeight(uniform(out * d, 1), [out, d], dtype)
    : { ...storeWeight(uniform(out * d, 1), dtype), scales: undefined };
  const b = bias && storeWeight(uniform(out, 2), bias.dtype);
  const values = {
    x: uniform(T * d, 3),
    A: uniform(r * d, 4),
    B: uniform(out * r, 5),
    dy: uniform(T * out, 6),
    dz: uniform(T * d, 7),
    base: uniform(T * out, 8),
  };
  const data = new Map<Tensor, ArrayBufferView>([
    [x, Float32Array.from(values.x)],
    [weight, W.bytes],
    [batch, new Uint8Array(encodeBatchScalars({ seed: SEED, counter: COUNTER, lossScale: 1 }))],
    [dy, Float32Array.from(values.dy)],
    [dz, Float32Array.from(values.dz)],
    [base, Float32Array.from(values.base)],
  ]);
  if (r) data.set(A, Float32Array.from(values.A)).set(B, Float32Array.from(values.B));
  if (bias && b) data.set(bias, b.bytes);
  const run = await runGraph(gpu, graph, data, new Map(W.scales ? [[weight, W.scales]] : []));

  const reference = new Reference(of);
  const expected = reference
    .forward(values.x, W.values, b?.values, values.A, values.B)
    .map((value, i) => value + (added ? (values.base[i] ?? 0) : 0));
  expect(relativeError((await run.read(y)).subarray(0, T * out), expected), "y").toBeLessThan(1e-5);
  const gradient = reference.backward(values.x, W.values, values.A, values.B, values.dy);
  const expectedX = gradient.x.map((value, i) => value + (residual ? 2 * (values.dz[i] ?? 0) : 0));
  expect(relativeError((await run.read(dx)).subarray(0, T * d), expectedX), "∂x").toBeLessThan(1e-5);
  // A sum passes its gradient on as it is.
  if (added) expect(gradientOf.get(base)).toBe(dy);
  if (r) {
    const gradients = await run.gradients();
    expect(relativeError(gradients.get("A") ?? [], gradient.A), "∂A").toBeLessThan(1e-5);
    expect(relativeError(gradients.get("B") ?? [], gradient.B), "∂B").toBeLessThan(1e-5);
    // The reference itself, and with it the device, against central differences of <y, dy>.
    const loss = (part: Partial<Record<"x" | "A" | "B", Vector>>): number => {
      const at = { ...values, ...part };
      return inner(reference.forward(at.x, W.values, b?.values, at.A, at.B), values.dy);
    };
    for (const name of ["x", "A", "B"] as const) {
      const which = spread(values[name].length, 6);
      const differences = finiteDifferences((moved) => loss({ [name]: moved }), values[name], which);
      const device = name === "x" ? gradient.x : (gradients.get(name) ?? []);
      expect(relativeError(pick(device, which), differences), `finite differences of ${name}`).toBeLessThan(2e-5);
    }
  }
  run.destroy();
}
