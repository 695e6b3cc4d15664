/**
 * @file Cross-entropy against an f64 reference: chunks, parts, ignored rows, weight types, finite differences through
 * linear.
 */

import { describe, expect, it } from "vitest";
import { encodeBatchScalars } from "../../src/engine/batchScalars.ts";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { IGNORED_TARGET } from "../../src/engine/marks.ts";
import { crossEntropy } from "../../src/engine/operators/crossEntropy.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import type { DType, Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { storeWeight } from "../support/halves.ts";
import {
  type Vector,
  finiteDifferences,
  pick,
  product,
  relativeError,
  spread,
  transpose,
  uniform,
} from "../support/matrices.ts";
import { runGraph } from "../support/runGraph.ts";

interface Case {
  readonly T: number;
  readonly d: number;
  readonly V: number;
  readonly rows: readonly number[];
  readonly targets: readonly number[];
  readonly dtype?: DType;
  readonly chunk?: number;
  readonly kernel?: string;
  readonly softcap?: number;
  /** Spread of the hidden values: large ones test the running maximum. */
  readonly size?: number;
}

const LOSS_SCALE = Math.fround(1 / 7);

/** Losses per row and ∂Σ loss·scale / ∂hidden, in f64. */
function reference(hidden: Vector, head: Vector, of: Case): { rowLoss: Vector; gradient: Vector } {
  const { d, V, rows, targets, softcap } = of;
  const rowLoss = new Float64Array(rows.length);
  const gradient = new Float64Array(hidden.length);
  rows.forEach((row, i) => {
    const target = targets[i] ?? IGNORED_TARGET;
    if (target === IGNORED_TARGET) return;
    const raw = product(hidden.subarray(row * d, (row + 1) * d), head, 1, V, d, true);
    const logits = softcap === undefined ? raw : raw.map((logit) => softcap * Math.tanh(logit / softcap));
    const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
    rowLoss[i] = largest + Math.log(sum) - (logits[target] ?? NaN);
    for (let v = 0; v < V; v++) {
      const weight =
        (Math.exp((logits[v] ?? 0) - largest) / sum - (v === target ? 1 : 0)) *
        LOSS_SCALE *
        (softcap === undefined ? 1 : 1 - ((logits[v] ?? 0) / softcap) ** 2);
      for (let c = 0; c < d; c++)
        gradient[row * d + c] = (gradient[row * d + c] ?? 0) + weight * (head[v * d + c] ?? 0);
    }
  });
  return { rowLoss, gradient };
}

interface Result {
  readonly rowLoss: Float32Array;
  readonly gradient: Float32Array;
  readonly stats: Float32Array;
}

async function compute(gpu: Gpu, of: Case, hiddenValues: Vector, headBytes: Uint8Array): Promise<Result> {
  const { T, d, V, rows, targets, dtype = "f32", chunk, kernel, softcap } = of;
  const graph = new Graph();
  const hidden = graph.input("hidden", [T, d]);
  const head = graph.weight("head", [V, d], dtype);
  const rowsInput = graph.input("rows", [rows.length], "u32");
  const targetsInput = graph.input("targets", [rows.length], "u32");
  const batch = graph.input("batch", [4], "u32");
  const stats = graph.input("stats", [16]);
  const { rowLoss } = crossEntropy(graph, hidden, {
    head,
    labels: { rows: rowsInput, targets: targetsInput },
    batch,
    stats,
    withGradient: true,
    ...(chunk === undefined ? {} : { chunk }),
    ...(kernel ? { kernel } : {}),
    ...(softcap === undefined ? {} : { softcap }),
  });
  graph.retain(rowLoss);
  const gradient = backward(graph, { seeds: new Map(), wrt: new Set([hidden]), add }).get(hidden);
  if (!gradient) throw new Error("hidden got no gradient");
  const run = await runGraph(
    gpu,
    graph,
    new Map<Tensor, ArrayBufferView>([
      [hidden, Float32Array.from(hiddenValues)],
      [head, headBytes],
      [rowsInput, Uint32Array.from(rows)],
      [targetsInput, Uint32Array.from(targets)],
      [batch, new Uint8Array(encodeBatchScalars({ seed: 0, counter: 0, lossScale: LOSS_SCALE }))],
      [stats, Float32Array.of(100)],
    ]),
  );
  const result = {
    rowLoss: (await run.read(rowLoss)).subarray(0, rows.length),
    gradient: (await run.read(gradient)).subarray(0, T * d),
    stats: await run.read(stats),
  };
  run.destroy();
  return result;
}

async function check(gpu: Gpu, of: Case): Promise<Result> {
  const hidden = uniform(of.T * of.d, 1, of.size ?? 1);
  const head = storeWeight(uniform(of.V * of.d, 2), of.dtype ?? "f32");
  const result = await compute(gpu, of, hidden, head.bytes);
  const expected = reference(hidden, head.values, of);
  expect(relativeError(result.rowLoss, expected.rowLoss), "row losses").toBeLessThan(1e-5);
  expect(relativeError(result.gradient, expected.gradient), "∂hidden").toBeLessThan(2e-5);
  const total = 100 + LOSS_SCALE * expected.rowLoss.reduce((a, b) => a + b, 0);
  expect(Math.abs((result.stats[0] ?? NaN) - total) / total, "stats[0]").toBeLessThan(1e-6);
  const which = spread(hidden.length, 8);
  const differences = finiteDifferences(
    (moved) => LOSS_SCALE * reference(moved, head.values, of).rowLoss.reduce((a, b) => a + b, 0),
    hidden,
    which,
  );
  expect(relativeError(pick(result.gradient, which), differences), "finite differences").toBeLessThan(1e-4);
  return result;
}

/** Every second row has a label; every fifth of them is padding, which points at row 0. */
function labelled(T: number, V: number): Pick<Case, "rows" | "targets"> {
  const rows: number[] = [];
  const targets: number[] = [];
  for (let row = 1, i = 0; row < T; row += 2, i++) {
    rows.push(i % 5 === 4 ? 0 : row);
    targets.push(i % 5 === 4 ? IGNORED_TARGET : (row * 7919) % V);
  }
  return { rows, targets };
}

describe("crossEntropy", () => {
  for (const kernel of ["register", "shared"] as const) {
    it(`one chunk, ${kernel} kernel`, async () => {
      await check(await testGpu(), { T: 37, d: 40, V: 331, ...labelled(37, 331), kernel, dtype: "bf16" });
    });
    it(`chunks equal one chunk, ${kernel} kernel`, async () => {
      const of: Case = { T: 41, d: 44, V: 701, ...labelled(41, 701), kernel, dtype: "bf16" };
      const one = await check(await testGpu(), of);
      for (const chunk of [128, 256, 384]) {
        const many = await check(await testGpu(), { ...of, chunk });
        expect(relativeError(many.rowLoss, one.rowLoss), `losses, chunks of ${chunk}`).toBeLessThan(1e-6);
        expect(relativeError(many.gradient, one.gradient), `gradient, chunks of ${chunk}`).toBeLessThan(2e-6);
      }
    });
  }

  it("odd width and 16 bits", async () => {
    await check(await testGpu(), { T: 20, d: 27, V: 259, ...labelled(20, 259), dtype: "f16", chunk: 128 });
  });

  it("one token", async () => {
    await check(await testGpu(), { T: 1, d: 8, V: 3, rows: [0], targets: [2] });
  });

  it("large logits keep their sum", async () => {
    await check(await testGpu(), { T: 12, d: 32, V: 301, ...labelled(12, 301), chunk: 128, size: 40 });
  });

  // Logits are about 2: a cap of 3 bends them, one of 1e5 leaves them.
  it("capped logits, one chunk and several", async () => {
    const of: Case = { T: 41, d: 27, V: 701, ...labelled(41, 701), dtype: "bf16", softcap: 3 };
    const one = await check(await testGpu(), of);
    for (const chunk of [128, 384]) {
      const many = await check(await testGpu(), { ...of, chunk });
      expect(relativeError(many.rowLoss, one.rowLoss), `losses, chunks of ${chunk}`).toBeLessThan(1e-6);
      expect(relativeError(many.gradient, one.gradient), `gradient, chunks of ${chunk}`).toBeLessThan(2e-6);
    }
    const [open, wide] = [
      await check(await testGpu(), { ...of, softcap: undefined }),
      await check(await testGpu(), { ...of, softcap: 1e5 }),
    ];
    expect(relativeError(wide.rowLoss, open.rowLoss)).toBeLessThan(1e-6);
    expect(relativeError(one.rowLoss, open.rowLoss)).toBeGreaterThan(0.01);
  });

  it("capped logits in parts, few workgroups, and large ones at the cap", async () => {
    const gpu = await testGpu({ maxBinding: 128 * 64 * 4 * 2, maxGroups: 12 });
    await check(gpu, { T: 600, d: 64, V: 300, ...labelled(600, 300), chunk: 128, softcap: 3 });
    await check(await testGpu(), { T: 12, d: 32, V: 301, ...labelled(12, 301), chunk: 128, size: 40, softcap: 30 });
  });

  it("head, hidden and labelled rows in parts, few workgroups", async () => {
    const gpu = await testGpu({ maxBinding: 128 * 64 * 4 * 2, maxGroups: 12 });
    await check(gpu, { T: 600, d: 64, V: 300, ...labelled(600, 300), chunk: 128 });
  });

  it("labels that are all ignored give zero", async () => {
    const gpu = await testGpu();
    const of: Case = { T: 4, d: 8, V: 9, rows: [0, 0], targets: [IGNORED_TARGET, IGNORED_TARGET] };
    const result = await compute(gpu, of, uniform(32, 1), storeWeight(uniform(72, 2), "f32").bytes);
    expect([...result.rowLoss, ...result.gradient].every((value) => value === 0)).toBe(true);
    expect(result.stats[0]).toBe(100);
  });

  it("is the same on every run, bit for bit", async () => {
    const gpu = await testGpu();
    const of: Case = { T: 41, d: 44, V: 701, ...labelled(41, 701), chunk: 256 };
    const hidden = uniform(of.T * of.d, 1);
    const head = storeWeight(uniform(of.V * of.d, 2), "f32").bytes;
    expect(await compute(gpu, of, hidden, head)).toEqual(await compute(gpu, of, hidden, head));
  });

  it("without gradient and stats only the losses are made", async () => {
    const gpu = await testGpu();
    const graph = new Graph();
    const hidden = graph.input("hidden", [3, 8]);
    const head = graph.weight("head", [10, 8], "f32");
    const rows = graph.input("rows", [3], "u32");
    const targets = graph.input("targets", [3], "u32");
    const batch = graph.input("batch", [4], "u32");
    const { rowLoss } = crossEntropy(graph, hidden, { head, labels: { rows, targets }, batch, withGradient: false });
    graph.retain(rowLoss);
    const data = new Map<Tensor, ArrayBufferView>([
      [rows, Uint32Array.of(0, 1, 2)],
      [targets, Uint32Array.of(1, 2, 3)],
    ]);
    const run = await runGraph(gpu, graph, data);
    for (const loss of (await run.read(rowLoss)).subarray(0, 3)) expect(loss).toBeCloseTo(Math.log(10), 5);
    expect(run.program.dispatches.some((dispatch) => dispatch.entry === "gradient")).toBe(false);
    run.destroy();
    expect(() => backward(graph, { seeds: new Map(), wrt: new Set([hidden]), add })).toThrow("without its gradient");
  });

  it("finite differences through a LoRA layer and the loss", async () => {
    const gpu = await testGpu();
    const [T, d, V, r] = [11, 12, 37, 3];
    const graph = new Graph();
    const x = graph.input("x", [T, d]);
    const weight = graph.weight("W", [d, d], "bf16");
    const A = graph.parameter("A", [r, d]);
    const B = graph.parameter("B", [d, r]);
    const head = graph.weight("head", [V, d], "bf16");
    const of: Case = { T, d, V, ...labelled(T, V) };
    const rows = graph.input("rows", [of.rows.length], "u32");
    const targets = graph.input("targets", [of.rows.length], "u32");
    const batch = graph.input("batch", [4], "u32");
    // The layer and a residual sum: the gradient of the sum goes two ways.
    const hidden = add(graph, x, linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 2 } }));
    crossEntropy(graph, hidden, { head, labels: { rows, targets }, batch, withGradient: true });
    const dx = backward(graph, { seeds: new Map(), wrt: new Set([x, A, B]), add }).get(x);
    if (!dx) throw new Error("x got no gradient");
    const W = storeWeight(uniform(d * d, 1, 0.5), "bf16");
    const H = storeWeight(uniform(V * d, 2), "bf16");
    const values = { x: uniform(T * d, 3), A: uniform(r * d, 4, 0.5), B: uniform(d * r, 5, 0.5) };
    const run = await runGraph(
      gpu,
      graph,
      new Map<Tensor, ArrayBufferView>([
        [x, Float32Array.from(values.x)],
        [A, Float32Array.from(values.A)],
        [B, Float32Array.from(values.B)],
        [weight, W.bytes],
        [head, H.bytes],
        [rows, Uint32Array.from(of.rows)],
        [targets, Uint32Array.from(of.targets)],
        [batch, new Uint8Array(encodeBatchScalars({ seed: 0, counter: 0, lossScale: LOSS_SCALE }))],
      ]),
    );
    const loss = (part: Partial<typeof values>): number => {
      const at = { ...values, ...part };
      const merged = product(at.B, transpose(transpose(at.A, r, d), d, r), d, d, r).map(
        (value, i) => (W.values[i] ?? 0) + 2 * value,
      );
      const y = product(at.x, merged, T, d, d, true).map((value, i) => value + (at.x[i] ?? 0));
      return LOSS_SCALE * reference(y, H.values, of).rowLoss.reduce((a, b) => a + b, 0);
    };
    const gradients = await run.gradients();
    const device = { x: await run.read(dx), A: gradients.get("A") ?? [], B: gradients.get("B") ?? [] };
    for (const name of ["x", "A", "B"] as const) {
      const which = spread(values[name].length, 20);
      const differences = finiteDifferences((moved) => loss({ [name]: moved }), values[name], which);
      expect(relativeError(pick(device[name], which), differences), name).toBeLessThan(2e-5);
    }
    run.destroy();
  });
});
