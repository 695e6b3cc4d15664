/** @file Attention on the device against the f64 reference, and that against central differences. */

import { expect } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "./numeric.ts";
import { attentionGradient, attentionReference } from "./reference.ts";
import { runGraph } from "./runGraph.ts";

/** Of `window` tokens a query sees the last ones, itself included. */
export function windowed(bounds: Uint32Array, window: number): Uint32Array {
  return bounds.map((value, i) => {
    const token = Math.floor(i / 4);
    if (i % 4 === 0) return Math.max(value, token - window + 1);
    return i % 4 === 3 ? Math.min(value, token + window) : value;
  });
}

/** q, k, v and bounds. */
export function inputs(
  graph: Graph,
  queries: number,
  rows: number,
  heads: number,
  kvHeads: number,
  headDim: number,
): [Tensor, Tensor, Tensor, Tensor] {
  return [
    graph.input("q", [queries, heads * headDim]),
    graph.input("k", [rows, kvHeads * headDim]),
    graph.input("v", [rows, kvHeads * headDim]),
    graph.input("bounds", [queries, 4], "u32"),
  ];
}

/**
 * Forward, the wanted gradients against the f64 gradient, and that gradient against central differences. Returns the
 * raw results.
 */
export async function checkAttention(
  gpu: Gpu,
  bounds: Uint32Array,
  settings: { heads: number; kvHeads: number; headDim: number; softcap?: number },
  wanted: readonly ("q" | "k" | "v")[] = ["q", "k", "v"],
  size = 1,
): Promise<Float32Array[]> {
  const { heads, kvHeads, headDim } = settings;
  const tokens = bounds.length / 4;
  const shape = { ...settings, scale: 1 / Math.sqrt(headDim), bounds };
  const data = {
    q: normal(tokens * heads * headDim, 1, size),
    k: normal(tokens * kvHeads * headDim, 2, size),
    v: normal(tokens * kvHeads * headDim, 3),
  };
  const dOut = normal(data.q.length, 4);
  const graph = new Graph();
  const [q, k, v, b] = inputs(graph, tokens, tokens, heads, kvHeads, headDim);
  const tensors = { q, k, v };
  const o = graph.retain(attention(graph, q, k, v, b, { ...settings, scale: shape.scale, name: "attention" }));
  const seed = graph.input("seed", o.shape);
  const gradients = backward(graph, {
    seeds: new Map([[o, seed]]),
    wrt: new Set(wanted.map((name) => tensors[name])),
    add,
  });
  expect([...gradients.keys()].map(({ name }) => name).sort()).toEqual([...wanted].sort());
  const run = await runGraph(
    gpu,
    graph,
    new Map<Tensor, ArrayBufferView>([
      [q, data.q],
      [k, data.k],
      [v, data.v],
      [b, bounds],
      [seed, dOut],
    ]),
  );
  const results = [await run.read(o)];
  const tolerance = size > 1 ? 1e-4 : 3e-6;
  expect(relativeError(await run.read(o), attentionReference(data.q, data.k, data.v, shape))).toBeLessThan(tolerance);
  const expected = attentionGradient(data.q, data.k, data.v, dOut, shape);
  const exact = { q: expected.dq, k: expected.dk, v: expected.dv };
  for (const name of wanted) {
    const tensor = gradients.get(tensors[name]);
    if (!tensor) throw new Error(`no gradient of ${name}`);
    const got = await run.read(tensor);
    results.push(got);
    expect(relativeError(got, exact[name]), `gradient of ${name}`).toBeLessThan(tolerance);
    const where = spread(data[name].length, 12);
    const differences = centralDifferences(
      (moved) =>
        inner(
          dOut,
          attentionReference(
            name === "q" ? moved : data.q,
            name === "k" ? moved : data.k,
            name === "v" ? moved : data.v,
            shape,
          ),
        ),
      data[name],
      where,
    );
    if (size === 1) {
      expect(relativeError(pick(exact[name], where), differences), `reference gradient of ${name}`).toBeLessThan(1e-5);
      expect(relativeError(pick(got, where), differences), `differences of ${name}`).toBeLessThan(2e-5);
    }
  }
  run.destroy();
  return results;
}
