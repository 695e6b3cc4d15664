/** @file Cross-entropy against an f64 reference: chunks, parts, ignored rows, weight types, through a LoRA layer. */

import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { encodeBatchScalars } from "../../src/engine/batchScalars.ts";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph } from "../../src/engine/graph.ts";
import { IGNORED_TARGET } from "../../src/engine/marks.ts";
import { add } from "../../src/engine/operators/add.ts";
import { type KlEstimator, crossEntropy } from "../../src/engine/operators/crossEntropy.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import type { DType } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { plus, product, relativeError, uniform } from "../support/numeric.ts";
import { type Numbers, checkOperator } from "../support/operatorCheck.ts";

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
  /** w, c and log p_ref of each label, one after the other in fours. */
  readonly terms?: { readonly values: Float32Array; readonly estimator: KlEstimator };
  /** Spread of the hidden values: large ones test the running maximum. */
  readonly size?: number;
}

const LOSS_SCALE = Math.fround(1 / 7);
const SCALARS = new Uint32Array(encodeBatchScalars({ seed: 0, counter: 0, lossScale: LOSS_SCALE }));

interface Row {
  readonly row: number;
  readonly target: number;
  /** Capped, [V] */
  readonly logits: Float64Array;
  readonly logSum: number;
}

/** The labelled rows in f64, undefined where the label is ignored. */
function rowsOf(hidden: Numbers, head: Numbers, { d, V, rows, targets, softcap }: Case): (Row | undefined)[] {
  const all = Float64Array.from(hidden);
  return rows.map((row, i) => {
    const target = targets[i] ?? IGNORED_TARGET;
    if (target === IGNORED_TARGET) return undefined;
    const raw = product(all.subarray(row * d, (row + 1) * d), head, 1, V, d, true);
    const logits = softcap === undefined ? raw : raw.map((logit) => softcap * Math.tanh(logit / softcap));
    const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
    return { row, target, logits, logSum: largest + Math.log(sum) };
  });
}

/** Minus the log-probability of each label. */
function losses(hidden: Numbers, head: Numbers, of: Case): number[] {
  return rowsOf(hidden, head, of).map((row) => (row ? row.logSum - (row.logits[row.target] ?? NaN) : 0));
}

/** What each label's cross-entropy counts for in the loss, and how the loss changes with it. */
function withTerms(rowLoss: Numbers, { terms, targets }: Case): { readonly value: number; readonly slope: number }[] {
  return Array.from(rowLoss, (ce, i) => {
    if (targets[i] === IGNORED_TARGET) return { value: 0, slope: 0 };
    const [w = 1, c = 0, reference = 0] = terms?.values.subarray(4 * i, 4 * i + 3) ?? [];
    const d = reference + ce;
    return terms?.estimator === "k3"
      ? { value: w * ce + c * (Math.expm1(d) - d), slope: w + c * Math.expm1(d) }
      : { value: w * ce + (c * d * d) / 2, slope: w + c * d };
  });
}

/** ∂Σ loss·scale / ∂hidden */
function lossGradient(hidden: Numbers, head: Numbers, of: Case): Float64Array {
  const { d, softcap = Infinity } = of;
  const gradient = new Float64Array(hidden.length);
  const slopes = withTerms(losses(hidden, head, of), of);
  const rows = rowsOf(hidden, head, of).flatMap((each, i) =>
    each ? { ...each, factor: slopes[i]?.slope ?? NaN } : [],
  );
  for (const { row, target, logits, logSum, factor } of rows) {
    logits.forEach((logit, v) => {
      const slope = 1 - (logit / softcap) ** 2;
      const weight = (Math.exp(logit - logSum) - (v === target ? 1 : 0)) * LOSS_SCALE * slope * factor;
      for (let c = 0; c < d; c++)
        gradient[row * d + c] = (gradient[row * d + c] ?? 0) + weight * (head[v * d + c] ?? 0);
    });
  }
  return gradient;
}

/** The case's hidden values and head. */
const hiddenOf = ({ T, d, size = 1 }: Case): Float32Array => uniform(T * d, 1, size);
const headOf = ({ V, d }: Case): Float32Array => uniform(V * d, 2);

interface Result {
  readonly rowLoss: Float32Array;
  readonly gradient: Float32Array;
  readonly stats: Float32Array;
}

/** stats[0] before. */
const BEFORE = 100;

/** @param exactZeros the gradient is 0, of which nothing differs by a share */
async function check(gpu: Gpu, of: Case, exactZeros = false): Promise<Result> {
  const { T, d, V, rows, targets, dtype = "f32", chunk, kernel, softcap, terms } = of;
  const lossOf = ({ rowLoss = [] }: Readonly<Record<string, Numbers>>): number =>
    LOSS_SCALE * withTerms(rowLoss, of).reduce((sum, { value }) => sum + value, 0);
  const { outputs, gradients } = await checkOperator(gpu, {
    operands: {
      hidden: { shape: [T, d], values: hiddenOf(of), grad: true },
      head: { kind: "weight", shape: [V, d], values: headOf(of), dtype },
      rows: { shape: [rows.length], values: Uint32Array.from(rows) },
      targets: { shape: [rows.length], values: Uint32Array.from(targets) },
      terms: { shape: [rows.length, 4], values: terms?.values ?? new Float32Array(4 * rows.length) },
      batch: { shape: [4], values: SCALARS },
      stats: { shape: [16], values: Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? BEFORE : 0)) },
    },
    graph: (graph, { hidden, head, rows: labelled, targets: labels, batch, stats, terms: values }) => ({
      ...crossEntropy(graph, hidden, {
        head,
        labels: {
          rows: labelled,
          targets: labels,
          ...(terms ? { terms: { values, estimator: terms.estimator } } : {}),
        },
        batch,
        stats,
        withGradient: true,
        ...(chunk === undefined ? {} : { chunk }),
        ...(kernel ? { kernel } : {}),
        ...(softcap === undefined ? {} : { softcap }),
      }),
      stats,
    }),
    reference: ({ hidden, head }) => {
      const rowLoss = losses(hidden, head, of);
      const total = BEFORE + lossOf({ rowLoss });
      return { rowLoss, stats: Array.from({ length: 16 }, (_, i) => (i === 0 ? total : 0)) };
    },
    gradient: ({ hidden, head }) => ({ hidden: lossGradient(hidden, head, of) }),
    loss: lossOf,
    tolerance: {
      output: { rowLoss: 1e-5, stats: 1e-6 },
      ...(exactZeros
        ? { gradient: Infinity, differences: Infinity, reference: Infinity }
        : { gradient: 2e-5, differences: 1e-4, reference: 1e-4 }),
    },
    samples: 8,
  });
  const { rowLoss = new Float32Array(), stats = new Float32Array() } = outputs;
  return { rowLoss, stats, gradient: gradients.hidden ?? new Float32Array() };
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

  it("labels that are all ignored give zero, and leave stats as they were", async () => {
    const targets = [IGNORED_TARGET, IGNORED_TARGET];
    const { rowLoss, gradient, stats } = await check(await testGpu(), { T: 4, d: 8, V: 9, rows: [0, 0], targets });
    expect([...rowLoss, ...gradient].every((value) => value === 0)).toBe(true);
    expect(stats[0]).toBe(BEFORE);
  });

  // Reference log-probabilities near those of the case, so that the divergence is neither 0 nor all there is.
  const near = (of: Case, w: (i: number) => number, c: (i: number) => number): Float32Array =>
    Float32Array.from(
      losses(hiddenOf(of), headOf(of), of).flatMap((ce, i) => [w(i), c(i), -ce + 0.3 * Math.sin(5 * i), 0]),
    );

  for (const estimator of ["k2", "k3"] as const) {
    it(`weights of either sign and ${estimator}, one chunk and several, capped and not`, async () => {
      const plain: Case = { T: 37, d: 40, V: 331, ...labelled(37, 331), dtype: "bf16" };
      for (const of of [plain, { ...plain, chunk: 128 }, { ...plain, chunk: 128, softcap: 3 }]) {
        const values = near(
          of,
          (i) => ((i % 4) - 1) / 2,
          (i) => (i % 3) / 4,
        );
        await check(await testGpu(), { ...of, terms: { values, estimator } });
      }
    });

    it(`${estimator}: at the reference, loss and gradient are 0 where the cross-entropy has no weight`, async () => {
      const of: Case = { T: 37, d: 40, V: 331, ...labelled(37, 331), chunk: 128 };
      const { rowLoss } = await check(await testGpu(), of);
      const values = Float32Array.from([...rowLoss].flatMap((ce) => [0, 0.5, -ce, 0]));
      const { stats, gradient } = await check(await testGpu(), { ...of, terms: { values, estimator } }, true);
      expect(stats[0]).toBe(BEFORE);
      expect(gradient.every((value) => value === 0)).toBe(true);
    });
  }

  it("weights of 1 change nothing, bit for bit", async () => {
    for (const chunk of [undefined, 128]) {
      const of: Case = { T: 37, d: 40, V: 331, ...labelled(37, 331), dtype: "bf16", ...(chunk ? { chunk } : {}) };
      const terms = {
        values: near(
          of,
          () => 1,
          () => 0,
        ),
        estimator: "k2",
      } as const;
      expect(await check(await testGpu(), { ...of, terms })).toEqual(await check(await testGpu(), of));
    }
  });

  it("weights of 0 leave out a label as if it were ignored, bit for bit", async () => {
    const of: Case = { T: 37, d: 40, V: 331, ...labelled(37, 331) };
    const values = near(
      of,
      (i) => i % 2,
      () => 0,
    );
    const weighted = await check(await testGpu(), { ...of, terms: { values, estimator: "k2" } });
    const targets = of.targets.map((target, i) => (i % 2 === 0 ? IGNORED_TARGET : target));
    const masked = await check(await testGpu(), { ...of, targets });
    expect(weighted.stats).toEqual(masked.stats);
    expect(relativeError(weighted.gradient, masked.gradient)).toBe(0);
  });

  it("is the same on every run, bit for bit", async () => {
    const of: Case = { T: 41, d: 44, V: 701, ...labelled(41, 701), chunk: 256 };
    const gpu = await testGpu();
    expect(await check(gpu, of)).toEqual(await check(gpu, of));
  });

  it("without gradient and stats computes the losses only", async () => {
    const { outputs, dispatches } = await checkOperator(await testGpu(), {
      operands: {
        hidden: { shape: [3, 8], values: new Float32Array(24) },
        head: { kind: "weight", shape: [10, 8], values: new Float32Array(80) },
        rows: { shape: [3], values: Uint32Array.of(0, 1, 2) },
        targets: { shape: [3], values: Uint32Array.of(1, 2, 3) },
        batch: { shape: [4], values: SCALARS },
      },
      graph: (graph, { hidden, head, rows, targets, batch }) =>
        crossEntropy(graph, hidden, { head, labels: { rows, targets }, batch, withGradient: false }),
      reference: () => ({ rowLoss: [Math.log(10), Math.log(10), Math.log(10)] }),
    });
    for (const loss of outputs.rowLoss ?? []) expect(loss).toBeCloseTo(Math.log(10), 5);
    expect(dispatches.some(({ entry }) => entry === "gradient")).toBe(false);
  });

  it("refuses a reverse pass where it was built without its gradient", () => {
    const graph = new Graph();
    const hidden = graph.input("hidden", [3, 8]);
    const [rows, targets] = [graph.input("rows", [3], "u32"), graph.input("targets", [3], "u32")];
    const head = graph.weight("head", [10, 8], "f32");
    const batch = graph.input("batch", [4], "u32");
    crossEntropy(graph, hidden, { head, labels: { rows, targets }, batch, withGradient: false });
    expect(() => backward(graph, { seeds: new Map(), wrt: new Set([hidden]), add })).toThrow("without its gradient");
  });

  it("passes its gradient through a LoRA layer and a residual sum", async () => {
    const [T, d, V, r] = [11, 12, 37, 3];
    const of: Case = { T, d, V, ...labelled(T, V) };
    /** (W + 2 B A) x + x */
    const through = (x: Numbers, W: Numbers, A: Numbers, B: Numbers): Float64Array =>
      plus(product(x, plus(W, product(B, A, d, d, r), 2), T, d, d, true), x);
    await checkOperator(await testGpu(), {
      operands: {
        x: { shape: [T, d], values: uniform(T * d, 3), grad: true },
        A: { kind: "parameter", shape: [r, d], values: uniform(r * d, 4, 0.5), grad: true },
        B: { kind: "parameter", shape: [d, r], values: uniform(d * r, 5, 0.5), grad: true },
        W: { kind: "weight", shape: [d, d], values: uniform(d * d, 1, 0.5), dtype: "bf16" },
        head: { kind: "weight", shape: [V, d], values: uniform(V * d, 2), dtype: "bf16" },
        rows: { shape: [of.rows.length], values: Uint32Array.from(of.rows) },
        targets: { shape: [of.rows.length], values: Uint32Array.from(of.targets) },
        batch: { shape: [4], values: SCALARS },
      },
      graph: (graph, { x, A, B, W, head, rows, targets, batch }) => {
        // The gradient of the sum goes two ways.
        const hidden = add(graph, x, linear(graph, x, { name: "layer", weight: W, lora: { A, B, scale: 2 } }));
        return crossEntropy(graph, hidden, { head, labels: { rows, targets }, batch, withGradient: true });
      },
      reference: ({ x, A, B, W, head }) => ({ rowLoss: losses(through(x, W, A, B), head, of) }),
      loss: ({ rowLoss = [] }) => LOSS_SCALE * Array.from(rowLoss).reduce((sum, loss) => sum + loss, 0),
      tolerance: { output: 1e-5, differences: 2e-5 },
      samples: 20,
    });
  });
});
