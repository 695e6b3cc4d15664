/**
 * @file Attention beside rows that hold NaN or infinities: what a query sees decides its output and gradients, whatever
 * stands in the rows that it does not see.
 */

import { expect } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import type { AttentionHeads } from "./attentionCheck.ts";
import { normal } from "./numeric.ts";
import { packedBounds } from "./reference.ts";
import { type GraphRun, runGraph } from "./runGraph.ts";

const POISONS = [Number.NaN, Infinity, -Infinity];

type Matrix = "q" | "k" | "v" | "∂o" | "o" | "∂q" | "∂k" | "∂v";

/** Attention and, with as many queries as keys, all of its gradients, run again with other operands. */
class PoisonedAttention {
  readonly #tensors = new Map<Matrix, Tensor>();
  readonly #clean = new Map<Matrix, Float32Array>();
  readonly #run: GraphRun;

  private constructor(run: GraphRun, tensors: Map<Matrix, Tensor>, clean: Map<Matrix, Float32Array>) {
    this.#run = run;
    this.#tensors = tensors;
    this.#clean = clean;
  }

  static async open(
    gpu: Gpu,
    heads: AttentionHeads,
    bounds: Uint32Array,
    cacheRows?: number,
  ): Promise<PoisonedAttention> {
    const graph = new Graph();
    const queries = bounds.length / 4;
    const keys = cacheRows ?? queries;
    const [wide, narrow] = [heads.heads * heads.headDim, heads.kvHeads * heads.headDim];
    const tensors = new Map<Matrix, Tensor>([
      ["q", graph.input("q", [queries, wide])],
      ["k", graph.input("k", [keys, narrow])],
      ["v", graph.input("v", [keys, narrow])],
    ]);
    const [q, k, v] = tensors.values();
    if (!q || !k || !v) throw new Error("three operands");
    const limits = graph.input("bounds", [queries, 4], "u32");
    const o = attention(graph, q, k, v, limits, { ...heads, scale: heads.headDim ** -0.5, name: "attention" });
    graph.retain(o);
    tensors.set("o", o);
    if (cacheRows === undefined) {
      const dOut = graph.input("∂o", o.shape);
      tensors.set("∂o", dOut);
      const gradients = backward(graph, { seeds: new Map([[o, dOut]]), wrt: new Set([q, k, v]), add });
      for (const [tensor, gradient] of gradients) tensors.set(`∂${tensor.name}` as Matrix, gradient);
    }
    const clean = new Map<Matrix, Float32Array>();
    for (const [name, { kind, shape }] of tensors)
      if (kind === "input") clean.set(name, normal((shape[0] ?? 1) * (shape[1] ?? 1), name.charCodeAt(0)));
    const data = new Map<Tensor, ArrayBufferView>([[limits, bounds]]);
    for (const [name, values] of clean) data.set(tensors.get(name) ?? limits, values);
    return new PoisonedAttention(await runGraph(gpu, graph, data), tensors, clean);
  }

  /** Runs it with the given rows of some operands filled with poison. */
  async with(poisoned: Readonly<Partial<Record<Matrix, readonly number[]>>>, poison: number): Promise<void> {
    for (const [name, clean] of this.#clean) {
      const values = clean.slice();
      for (const row of poisoned[name] ?? [])
        values.fill(poison, row * this.#width(name), (row + 1) * this.#width(name));
      this.#run.write(this.#tensor(name), values);
    }
    await this.#run.step();
  }

  /** Some rows of an operand, the output or a gradient. */
  async rows(name: Matrix, rows: readonly number[]): Promise<Float32Array> {
    const width = this.#width(name);
    const all = await this.#run.read(this.#tensor(name));
    return Float32Array.from(rows.flatMap((row) => [...all.subarray(row * width, (row + 1) * width)]));
  }

  destroy(): void {
    this.#run.destroy();
  }

  #width(name: Matrix): number {
    return this.#tensor(name).shape[1] ?? 1;
  }

  #tensor(name: Matrix): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`no ${name}`);
    return tensor;
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Packed sequences, some longer than a tile and with padding at the end, of which one is poisoned whole. */
export async function checkPoisonedNeighbours(gpu: Gpu, heads: AttentionHeads): Promise<void> {
  const segments = [5, 17, 1, 41, 3];
  const padding = 4;
  const tokens = segments.reduce((sum, length) => sum + length, padding);
  const run = await PoisonedAttention.open(gpu, heads, packedBounds(segments, padding));
  const results = ["o", "∂q", "∂k", "∂v"] as const;
  const starts = segments.map((_, i) => segments.slice(0, i).reduce((sum, length) => sum + length, 0));
  for (const poison of POISONS) {
    for (const [first, end] of [
      ...segments.map((length, i) => [starts[i] ?? 0, (starts[i] ?? 0) + length]),
      [tokens - padding, tokens],
    ]) {
      const own = range(first ?? 0, end ?? 0);
      const others = range(0, tokens).filter((row) => !own.includes(row));
      await run.with({}, 0);
      const clean = await Promise.all(results.map((name) => run.rows(name, others)));
      await run.with({ q: own, k: own, v: own, "∂o": own }, poison);
      for (const [i, name] of results.entries())
        expect(await run.rows(name, others), `${name} beside rows ${first}–${end} of ${poison}`).toEqual(clean[i]);
    }
  }
  run.destroy();
}

/** A key and a value that hold poison: queries before them are as they were, NaN is not hidden from the others. */
export async function checkPoisonedKey(gpu: Gpu, heads: AttentionHeads): Promise<void> {
  const [tokens, at] = [45, 21];
  const run = await PoisonedAttention.open(gpu, heads, packedBounds([tokens]));
  const [before, after] = [range(0, at), range(at, tokens)];
  await run.with({}, 0);
  const clean = [await run.rows("o", before), await run.rows("∂q", before)];
  for (const poison of POISONS) {
    for (const name of ["k", "v"] as const) {
      await run.with({ [name]: [at] }, poison);
      expect([await run.rows("o", before), await run.rows("∂q", before)], `${name} ${poison}`).toEqual(clean);
      const seen = await run.rows("o", after);
      if (Number.isNaN(poison)) expect(seen.every(Number.isNaN), `${name} of NaN is seen`).toBe(true);
    }
  }
  run.destroy();
}

/** Rows of a cache that no query sees, as earlier answers leave them. */
export async function checkPoisonedCache(gpu: Gpu, heads: AttentionHeads, queries: number): Promise<void> {
  const [sequences, stride] = [3, 80];
  const bounds = new Uint32Array(4 * queries);
  const seen = new Set<number>();
  for (let t = 0; t < queries; t += 1) {
    const base = Math.floor((t * sequences) / queries) * stride;
    const end = base + 1 + ((t * 7) % 70);
    bounds.set([base, end, 0, 0], 4 * t);
    for (const row of range(base, end)) seen.add(row);
  }
  const stale = range(0, sequences * stride).filter((row) => !seen.has(row));
  const run = await PoisonedAttention.open(gpu, heads, bounds, sequences * stride);
  const all = range(0, queries);
  await run.with({}, 0);
  const clean = await run.rows("o", all);
  for (const poison of POISONS) {
    await run.with({ k: stale, v: stale }, poison);
    expect(await run.rows("o", all), `${poison} in ${stale.length} stale rows`).toEqual(clean);
  }
  run.destroy();
}
