/**
 * @file A whole transformer block: every gradient of the composed operators against central differences of an f64
 * block.
 */

import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import { embedding } from "../../src/engine/operators/embedding.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { rmsNorm } from "../../src/engine/operators/rmsNorm.ts";
import { rotary, rotaryTable } from "../../src/engine/operators/rotary.ts";
import { swiglu } from "../../src/engine/operators/swiglu.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "../support/numeric.ts";
import {
  attentionReference,
  embeddingReference,
  packedBounds,
  rmsNormReference,
  rotaryReference,
  gatedReference,
} from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

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
type Numbers = ArrayLike<number>;

const ids = Uint32Array.from({ length: TOKENS }, (_, t) => (t * t * 7) % VOCABULARY);
const bounds = packedBounds([5, 17, 1, 11], 3);
const positions = Uint32Array.from({ length: TOKENS }, (_, t) => t - (bounds[4 * t] ?? 0));
const table = rotaryTable({ headDim: HEADS.headDim, theta: 10000, positions: TOKENS });

/** x Wᵀ */
function times(x: Numbers, w: Numbers, out: number): Float64Array {
  const width = w.length / out;
  return Float64Array.from({ length: (x.length / width) * out }, (_, n) => {
    const [row, column] = [Math.floor(n / out) * width, (n % out) * width];
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (x[row + i] ?? 0) * (w[column + i] ?? 0);
    return sum;
  });
}

function plus(a: Numbers, b: Numbers, scale = 1): Float64Array {
  return Float64Array.from({ length: a.length }, (_, i) => (a[i] ?? 0) + scale * (b[i] ?? 0));
}

/** The block in f64. */
function reference(get: (name: string) => Numbers): Float64Array {
  const project = (x: Numbers, layer: Layer): Float64Array => {
    const low = times(x, get(`${layer}.A`), RANK);
    return plus(times(x, get(layer), LAYERS[layer][0]), times(low, get(`${layer}.B`), LAYERS[layer][0]), LORA_SCALE);
  };
  const turn = (x: Numbers, heads: number): Float64Array => rotaryReference(x, table, positions, heads, HEADS.headDim);
  let x = embeddingReference(ids, get("table"), VOCABULARY, WIDTH);
  const first = rmsNormReference(x, get("norm1"), EPS);
  const mixed = attentionReference(
    turn(project(first, "q"), HEADS.heads),
    turn(project(first, "k"), HEADS.kvHeads),
    project(first, "v"),
    { ...HEADS, bounds },
  );
  x = plus(x, project(mixed, "o"));
  const second = rmsNormReference(x, get("norm2"), EPS);
  return plus(x, project(gatedReference(project(second, "gate"), project(second, "up")), "down"));
}

describe("a transformer block", () => {
  it("has the gradient of its f64 twin", async () => {
    const gpu = await testGpu();
    const graph = new Graph();
    const data = new Map<Tensor, Float32Array | Uint32Array>();
    const values = new Map<string, Float32Array>();
    const fill = (tensor: Tensor, scale: number, offset = 0): Tensor => {
      const count = tensor.shape.reduce((a, b) => a * b, 1);
      const drawn = normal(count, values.size + 1, scale).map((value) => value + offset);
      values.set(tensor.name, drawn);
      data.set(tensor, drawn);
      return tensor;
    };
    const input = (
      name: string,
      words: Uint32Array | Float32Array,
      shape: readonly number[],
      type: "u32" | "f32",
    ): Tensor => {
      const tensor = graph.input(name, shape, type);
      data.set(tensor, words);
      return tensor;
    };
    const parameters: Tensor[] = [];
    const parameter = (name: string, shape: readonly number[], scale: number, offset = 0): Tensor => {
      const tensor = fill(graph.parameter(name, shape), scale, offset);
      parameters.push(tensor);
      return tensor;
    };
    const project = (x: Tensor, layer: Layer, residual?: Tensor): Tensor => {
      const [out, width] = LAYERS[layer];
      const weight = fill(graph.weight(layer, [out, width], "f32"), 0.2);
      const A = parameter(`${layer}.A`, [RANK, width], 0.2);
      const B = parameter(`${layer}.B`, [out, RANK], 0.2);
      return linear(graph, x, { name: layer, weight, residual, lora: { A, B, scale: LORA_SCALE } });
    };
    const [tIds, tBounds] = [input("ids", ids, [TOKENS], "u32"), input("bounds", bounds, [TOKENS, 4], "u32")];
    const tPositions = input("positions", positions, [TOKENS], "u32");
    const tTable = input("rotary", table, [TOKENS, HEADS.headDim], "f32");
    const turn = (x: Tensor): Tensor => rotary(graph, x, tTable, tPositions, HEADS.headDim);
    let x = embedding(graph, tIds, parameter("table", [VOCABULARY, WIDTH], 1));
    const first = rmsNorm(graph, x, parameter("norm1", [WIDTH], 0.1, 1), EPS, "first norm");
    const q = turn(project(first, "q"));
    const k = turn(project(first, "k"));
    const mixed = attention(graph, q, k, project(first, "v"), tBounds, { ...HEADS, name: "attention" });
    x = project(mixed, "o", x);
    const second = rmsNorm(graph, x, parameter("norm2", [WIDTH], 0.1, 1), EPS, "second norm");
    const y = graph.retain(project(swiglu(graph, project(second, "gate"), project(second, "up"), "silu"), "down", x));
    const dy = normal(TOKENS * WIDTH, 99);
    const seed = input("seed", dy, [TOKENS, WIDTH], "f32");
    backward(graph, { seeds: new Map([[y, seed]]), wrt: new Set(parameters), add });
    const run = await runGraph(gpu, graph, data);

    const get = (name: string): Numbers => values.get(name) ?? [];
    expect(relativeError(await run.read(y), reference(get))).toBeLessThan(2e-6);
    const gradients = await run.gradients();
    for (const { name } of parameters) {
      const where = spread(get(name).length, 8);
      const differences = centralDifferences(
        (moved) =>
          inner(
            dy,
            reference((other) => (other === name ? moved : get(other))),
          ),
        get(name),
        where,
        1e-4,
      );
      expect(relativeError(pick(gradients.get(name) ?? [], where), differences), `gradient of ${name}`).toBeLessThan(
        2e-5,
      );
    }
    await run.step();
    expect(await run.gradients(), "a second run").toEqual(gradients);
    run.destroy();
  });
});
