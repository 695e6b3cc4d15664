/** @file linear against an f64 reference: every weight type, both product kernels, LoRA, dropout, parts, finite differences. */

import { describe, expect, it } from "vitest";
import { encodeBatchScalars } from "../../src/engine/batchScalars.ts";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph, backward } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { dropoutKeep } from "../../src/engine/operators/dropout.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import type { MatmulKernel } from "../../src/engine/operators/matmul.ts";
import type { DType, Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { storeWeight } from "../support/halves.ts";
import { type Vector, finiteDifferences, inner, pick, product, relativeError, spread, transpose, uniform } from "../support/matrices.ts";
import { runGraph } from "../support/runGraph.ts";

interface Case {
  readonly T: number;
  readonly d: number;
  readonly out: number;
  readonly r?: number;
  readonly p?: number;
  readonly dtype?: DType;
  readonly biasDtype?: DType;
  readonly kernel?: MatmulKernel;
  /** Another gradient has arrived at x before. */
  readonly residual?: boolean;
}

const SCALE = 1.75;
const SEED = 42;
const COUNTER = 9;
const STREAM = 5;

/** The whole layer in f64. */
class Reference {
  readonly #of: Case;
  readonly #mask: Vector;
  constructor(of: Case) {
    this.#of = of;
    const p = of.p ?? 0;
    this.#mask = Float64Array.from({ length: of.T * of.d }, (_, i) => (dropoutKeep(SEED, COUNTER, STREAM, i, p) ? 1 / (1 - p) : 0));
  }
  forward(x: Vector, W: Vector, bias: Vector | undefined, A: Vector, B: Vector): Vector {
    const { T, d, out, r = 0 } = this.#of;
    const y = product(x, W, T, out, d, true);
    const h = product(x.map((value, i) => value * (this.#mask[i] ?? 0)), A, T, r, d, true);
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

async function check(gpu: Gpu, of: Case): Promise<void> {
  const { T, d, out, r = 0, p, dtype = "f32", biasDtype, kernel, residual } = of;
  const graph = new Graph();
  const x = graph.input("x", [T, d]);
  const weight = graph.weight("W", [out, d], dtype);
  const bias = biasDtype && graph.weight("b", [out], biasDtype);
  const batch = graph.input("batch", [4], "u32");
  const A = graph.parameter("A", [Math.max(1, r), d]);
  const B = graph.parameter("B", [out, Math.max(1, r)]);
  const y = linear(graph, x, {
    name: "layer",
    weight,
    ...(bias ? { bias } : {}),
    ...(r ? { lora: { A, B, scale: SCALE, ...(p === undefined ? {} : { dropout: { p, stream: STREAM, batch } }) } } : {}),
    ...(kernel ? { kernel } : {}),
  });
  graph.keep(y);
  const dy = graph.input("dy", [T, out]);
  const dz = graph.input("dz", [T, d]);
  const seeds = new Map<Tensor, Tensor>([[y, dy]]);
  if (residual) {
    // Both summands get dz: nothing may write into it.
    const z = add(graph, x, x);
    seeds.set(z, dz);
  }
  const wanted = new Set<Tensor>(r ? [x, A, B] : [x]);
  const dx = backward(graph, { seeds, wanted, add }).get(x);
  if (!dx) throw new Error("x got no gradient");

  const W = storeWeight(uniform(out * d, 1), dtype);
  const b = bias && storeWeight(uniform(out, 2), bias.dtype);
  const values = { x: uniform(T * d, 3), A: uniform(r * d, 4), B: uniform(out * r, 5), dy: uniform(T * out, 6), dz: uniform(T * d, 7) };
  const data = new Map<Tensor, ArrayBufferView>([
    [x, Float32Array.from(values.x)],
    [weight, W.bytes],
    [batch, new Uint8Array(encodeBatchScalars({ seed: SEED, counter: COUNTER, lossScale: 1 }))],
    [dy, Float32Array.from(values.dy)],
    [dz, Float32Array.from(values.dz)],
  ]);
  if (r) data.set(A, Float32Array.from(values.A)).set(B, Float32Array.from(values.B));
  if (bias && b) data.set(bias, b.bytes);
  const run = await runGraph(gpu, graph, data);

  const reference = new Reference(of);
  const expected = reference.forward(values.x, W.values, b?.values, values.A, values.B);
  expect(relativeError((await run.read(y)).subarray(0, T * out), expected), "y").toBeLessThan(1e-5);
  const gradient = reference.backward(values.x, W.values, values.A, values.B, values.dy);
  const expectedX = gradient.x.map((value, i) => value + (residual ? 2 * (values.dz[i] ?? 0) : 0));
  expect(relativeError((await run.read(dx)).subarray(0, T * d), expectedX), "∂x").toBeLessThan(1e-5);
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

const kernels = ["register", "shared"] as const;

describe("linear", () => {
  for (const kernel of kernels) {
    // The shared-memory kernel takes long to compile on a processor; its loads are those of the other one.
    for (const dtype of kernel === "register" ? (["f32", "bf16", "f16"] as const) : (["bf16"] as const)) {
      it(`${dtype} weight, ${kernel} kernel, multiples of 4`, async () => {
        await check(await testGpu(), { T: 37, d: 40, out: 52, r: 8, p: 0.1, dtype, biasDtype: dtype, kernel });
      });
      it(`${dtype} weight, ${kernel} kernel, odd sizes`, async () => {
        await check(await testGpu(), { T: 13, d: 27, out: 35, r: 3, p: 0.25, dtype, biasDtype: "f32", kernel });
      });
    }
    it(`several tiles, ${kernel} kernel, with a gradient that has arrived before`, async () => {
      await check(await testGpu(), { T: 131, d: 132, out: 70, r: 6, p: 0.5, dtype: "bf16", kernel, residual: true });
    });
    it(`one token, rank 1, ${kernel} kernel`, async () => {
      await check(await testGpu(), { T: 1, d: 5, out: 3, r: 1, dtype: "bf16", kernel });
      await check(await testGpu(), { T: 1, d: 264, out: 520, r: 4, dtype: "bf16", kernel });
    });
    it(`no adapter, ${kernel} kernel`, async () => {
      await check(await testGpu(), { T: 9, d: 64, out: 65, dtype: "bf16", biasDtype: "bf16", kernel, residual: true });
    });
    it(`weight and tokens in parts, few workgroups, ${kernel} kernel`, async () => {
      const gpu = await testGpu({ maxBinding: 128 * 300 * 4, maxGroups: 13 });
      await check(gpu, { T: 140, d: 300, out: 300, r: 5, p: 0.1, dtype: "bf16", kernel, residual: true });
    });
    it(`weight in parts, ${kernel} kernel, 16 bit`, async () => {
      const gpu = await testGpu({ maxBinding: 128 * 420 * 2 });
      await check(gpu, { T: 20, d: 420, out: 261, r: 4, dtype: "bf16", biasDtype: "f16", kernel });
    });
  }

  for (const kernel of kernels) {
    it(`large ranks, ${kernel} kernel`, async () => {
      await check(await testGpu(), { T: 70, d: 68, out: 33, r: 64, p: 0.05, dtype: "bf16", kernel });
      await check(await testGpu(), { T: 150, d: 300, out: 132, r: 20, p: 0.05, dtype: "bf16", kernel });
    });
    it(`ranks up to 9, ${kernel} kernel`, async () => {
      for (const r of [1, 2, 4, 5, 7, 9]) await check(await testGpu(), { T: 6, d: 12, out: 20, r, p: 0.2, dtype: "bf16", kernel });
    });
  }

  it("reads f16 subnormals and extremes exactly", async () => {
    const gpu = await testGpu();
    const graph = new Graph();
    const x = graph.input("x", [1, 8]);
    const weight = graph.weight("W", [8, 8], "f16");
    const y = graph.keep(linear(graph, x, { name: "identity", weight }));
    const halves = new Uint16Array(64);
    const interesting = [0x0001, 0x03ff, 0x8200, 0x0400, 0x7bff, 0xfbff, 0x8000, 0x3c00];
    interesting.forEach((half, i) => (halves[i * 8] = half));
    const run = await runGraph(gpu, graph, new Map<Tensor, ArrayBufferView>([[x, Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0)], [weight, halves]]));
    expect([...(await run.read(y))].map((v) => v + 0)).toEqual([2 ** -24, 1023 * 2 ** -24, -(2 ** -15), 2 ** -14, 65504, -65504, 0, 1]);
    run.destroy();
  });

  it("dropout on the device is the mask of the processor's twin", async () => {
    const gpu = await testGpu();
    const [T, d, p] = [50, 37, 0.3];
    const graph = new Graph();
    const x = graph.input("x", [T, d]);
    const weight = graph.weight("W", [d, d], "f32");
    const batch = graph.input("batch", [4], "u32");
    // A and B are identities, W is zero: y is the dropped input itself.
    const A = graph.parameter("A", [d, d]);
    const B = graph.parameter("B", [d, d]);
    const y = graph.keep(linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 1, dropout: { p, stream: 77, batch } } }));
    const identity = Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
    const run = await runGraph(
      gpu,
      graph,
      new Map<Tensor, ArrayBufferView>([
        [x, new Float32Array(T * d).fill(1)],
        [A, identity],
        [B, identity],
        [batch, new Uint8Array(encodeBatchScalars({ seed: 0xfffffff1, counter: 3, lossScale: 1 }))],
      ]),
    );
    const kept = [...(await run.read(y)).subarray(0, T * d)].map((value) => value > 0);
    expect(kept).toEqual(kept.map((_, i) => dropoutKeep(0xfffffff1, 3, 77, i, p)));
    run.destroy();
  });

  it("dropout of 0 is no dropout, bit for bit", async () => {
    const gpu = await testGpu();
    const outputs: Float32Array[] = [];
    for (const p of [undefined, 0]) {
      const graph = new Graph();
      const x = graph.input("x", [9, 12]);
      const weight = graph.weight("W", [8, 12], "f32");
      const batch = graph.input("batch", [4], "u32");
      const A = graph.parameter("A", [4, 12]);
      const B = graph.parameter("B", [8, 4]);
      const dropout = p === undefined ? {} : { dropout: { p, stream: 0, batch } };
      const y = graph.keep(linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 2, ...dropout } }));
      const data = new Map<Tensor, ArrayBufferView>([x, weight, A, B].map((t, i) => [t, Float32Array.from(uniform(t.shape[0] ? t.shape.reduce((a, b) => a * b) : 1, i))]));
      const run = await runGraph(gpu, graph, data);
      outputs.push(await run.read(y));
      run.destroy();
    }
    expect(outputs[0]).toEqual(outputs[1]);
  });

  it("makes only the gradients that are wanted", () => {
    const graph = new Graph();
    const x = graph.input("x", [4, 8]);
    const weight = graph.weight("W", [8, 8], "f32");
    const A = graph.parameter("A", [2, 8]);
    const B = graph.parameter("B", [8, 2]);
    const y = linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 1 } });
    const before = graph.nodes.length;
    backward(graph, { seeds: new Map([[y, graph.input("dy", [4, 8])]]), wanted: new Set([A, B]), add });
    expect(graph.nodes.slice(before).map((node) => node.operator.name)).toEqual(["loraFactorGradient", "loraHiddenGradient", "loraFactorGradient"]);
  });

  it("refuses shapes that do not fit", () => {
    const graph = new Graph();
    const x = graph.input("x", [4, 8]);
    expect(() => linear(graph, x, { name: "q_proj", weight: graph.weight("W", [8, 9], "f32") })).toThrow("q_proj");
  });
});
