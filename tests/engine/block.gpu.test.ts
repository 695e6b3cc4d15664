/**
 * @file A whole transformer block: every gradient of the composed operators against central differences of an f64
 * block.
 */

import { describe, it } from "vitest";
import type { Graph } from "../../src/engine/graph.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import { embedding } from "../../src/engine/operators/embedding.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { rmsNorm } from "../../src/engine/operators/rmsNorm.ts";
import { rotary, rotaryTable } from "../../src/engine/operators/rotary.ts";
import { swiglu } from "../../src/engine/operators/swiglu.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, plus, product } from "../support/numeric.ts";
import { type Numbers, type Operand, checkOperator } from "../support/operatorCheck.ts";
import {
  attentionReference,
  embeddingReference,
  gatedReference,
  packedBounds,
  rmsNormReference,
  rotaryReference,
} from "../support/reference.ts";

const [TOKENS, WIDTH, HIDDEN, VOCABULARY, RANK, EPS] = [37, 24, 40, 50, 4, 1e-5];
const HEADS = { heads: 3, kvHeads: 1, headDim: 8, scale: 1 / Math.sqrt(8) };
const LORA_SCALE = 1.5;
/** out, in */
const LAYERS = {
  q: [24, 24],
  k: [8, 24],
  v: [8, 24],
  o: [24, 24],
  gate: [HIDDEN, WIDTH],
  up: [HIDDEN, WIDTH],
  down: [WIDTH, HIDDEN],
} as const;
type Layer = keyof typeof LAYERS;

const ids = Uint32Array.from({ length: TOKENS }, (_, t) => (t * t * 7) % VOCABULARY);
const bounds = packedBounds([5, 17, 1, 11], 3);
const positions = Uint32Array.from({ length: TOKENS }, (_, t) => t - (bounds[4 * t] ?? 0));
const table = rotaryTable({ headDim: HEADS.headDim, theta: 10000, positions: TOKENS });

/** The block in f64. */
function reference(get: (name: string) => Numbers): Float64Array {
  const times = (x: Numbers, w: Numbers, out: number): Float64Array => {
    const width = w.length / out;
    return product(x, w, x.length / width, out, width, true);
  };
  const project = (x: Numbers, layer: Layer): Float64Array => {
    const [out] = LAYERS[layer];
    const low = times(x, get(`${layer}.A`), RANK);
    return plus(times(x, get(layer), out), times(low, get(`${layer}.B`), out), LORA_SCALE);
  };
  const rotated = (x: Numbers, heads: number): Float64Array =>
    rotaryReference(x, table, positions, heads, HEADS.headDim);
  const x = embeddingReference(ids, get("table"), VOCABULARY, WIDTH);
  const first = rmsNormReference(x, get("norm1"), EPS);
  const mixed = attentionReference(
    rotated(project(first, "q"), HEADS.heads),
    rotated(project(first, "k"), HEADS.kvHeads),
    project(first, "v"),
    { ...HEADS, bounds },
  );
  const between = plus(x, project(mixed, "o"));
  const second = rmsNormReference(between, get("norm2"), EPS);
  return plus(between, project(gatedReference(project(second, "gate"), project(second, "up")), "down"));
}

const names = Object.keys(LAYERS) as Layer[];

/** Weights and norms of the block, all but the weights trainable. */
function operandsOf(): Record<string, Operand> {
  let seed = 0;
  const values = ([rows, columns]: readonly [number, number], scale: number, offset = 0): Float32Array =>
    normal(rows * columns, (seed += 1), scale).map((value) => value + offset);
  const parameter = (shape: readonly [number, number], scale: number, offset = 0): Operand => ({
    kind: "parameter",
    shape: shape[1] === 1 ? [shape[0]] : shape,
    values: values(shape, scale, offset),
    grad: true,
  });
  const layers = names.flatMap((layer): [string, Operand][] => {
    const [out, width] = LAYERS[layer];
    return [
      [layer, { kind: "weight", shape: [out, width], values: values([out, width], 0.2) }],
      [`${layer}.A`, parameter([RANK, width], 0.2)],
      [`${layer}.B`, parameter([out, RANK], 0.2)],
    ];
  });
  return {
    ids: { shape: [TOKENS], values: ids },
    bounds: { shape: [TOKENS, 4], values: bounds },
    positions: { shape: [TOKENS], values: positions },
    rotary: { shape: [TOKENS, HEADS.headDim], values: table },
    table: parameter([VOCABULARY, WIDTH], 1),
    norm1: parameter([WIDTH, 1], 0.1, 1),
    norm2: parameter([WIDTH, 1], 0.1, 1),
    ...Object.fromEntries(layers),
  };
}

/** The block on the device. */
function block(graph: Graph, get: (name: string) => Tensor): Tensor {
  const project = (x: Tensor, layer: Layer, residual?: Tensor): Tensor => {
    const lora = { A: get(`${layer}.A`), B: get(`${layer}.B`), scale: LORA_SCALE };
    return linear(graph, x, { name: layer, weight: get(layer), residual, lora });
  };
  const rotated = (x: Tensor): Tensor => rotary(graph, x, get("rotary"), get("positions"), HEADS.headDim);
  const x = embedding(graph, get("ids"), get("table"));
  const first = rmsNorm(graph, x, get("norm1"), EPS, "first norm");
  const [q, k] = [rotated(project(first, "q")), rotated(project(first, "k"))];
  const mixed = attention(graph, q, k, project(first, "v"), get("bounds"), { ...HEADS, name: "attention" });
  const between = project(mixed, "o", x);
  const second = rmsNorm(graph, between, get("norm2"), EPS, "second norm");
  return project(swiglu(graph, project(second, "gate"), project(second, "up"), "silu"), "down", between);
}

describe("a transformer block", () => {
  it("has the gradient of the same block in f64", async () => {
    await checkOperator(await testGpu(), {
      operands: operandsOf(),
      graph: (graph, tensors) => block(graph, getter(tensors)),
      reference: (values) => reference(getter(values)),
      tolerance: { output: 2e-6, differences: 2e-5 },
      samples: 8,
    });
  });
});

function getter<T>(all: Readonly<Record<string, T>>): (name: string) => T {
  return (name) => {
    const found = all[name];
    if (found === undefined) throw new Error(`no operand ${name}`);
    return found;
  };
}
