/** @file add, gatherRows and argmax: values, gradients, ties, parts, and the care that shared gradients need. */

import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { argmax, gatherRows } from "../../src/engine/operators/logits.ts";
import { planMemory } from "../../src/engine/plan.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { product, relativeError, uniform } from "../support/matrices.ts";
import { runGraph } from "../support/runGraph.ts";

describe("add", () => {
  for (const options of [{}, { maxBinding: 128 * 40 * 4, maxGroups: 5 }]) {
    it(`sums and hands its gradient to both, ${JSON.stringify(options)}`, async () => {
      const gpu = await testGpu(options);
      const [T, d] = [300, 37];
      const graph = new Graph();
      const a = graph.input("a", [T, d]);
      const b = graph.input("b", [T, d]);
      const y = graph.retain(add(graph, a, b));
      const dy = graph.input("dy", [T, d]);
      const gradients = backward(graph, { seeds: new Map([[y, dy]]), wrt: new Set([a, b]), add });
      expect([gradients.get(a), gradients.get(b)]).toEqual([dy, dy]);
      const values = [uniform(T * d, 1), uniform(T * d, 2)];
      const run = await runGraph(gpu, graph, new Map([a, b].map((t, i) => [t, Float32Array.from(values[i] ?? [])])));
      expect(
        relativeError(
          (await run.read(y)).subarray(0, T * d),
          values[0]?.map((v, i) => v + (values[1]?.[i] ?? 0)) ?? [],
        ),
      ).toBeLessThan(1e-7);
      run.destroy();
    });
  }

  it("adds in the place of its first summand when that dies, and never otherwise", async () => {
    const gpu = await testGpu();
    const graph = new Graph();
    const x = graph.input("x", [3, 4]);
    const first = add(graph, x, x);
    const second = add(graph, first, x);
    const third = add(graph, second, first);
    const fourth = graph.retain(add(graph, third, third));
    const { slotOf } = planMemory(graph);
    expect(slotOf.get(second)).not.toBe(slotOf.get(first));
    expect(slotOf.get(third)).toBe(slotOf.get(second));
    const values = uniform(12, 3);
    const run = await runGraph(gpu, graph, new Map<Tensor, ArrayBufferView>([[x, Float32Array.from(values)]]));
    expect(
      relativeError(
        await run.read(fourth),
        values.map((v) => 10 * v),
      ),
    ).toBeLessThan(1e-6);
    run.destroy();
  });

  it("a gradient that two branches read is not overwritten by the one that comes first", async () => {
    // y = (x + W x) + (x + W x) U ... each sum sends one tensor into a layer and past it.
    const gpu = await testGpu();
    const [T, d] = [5, 8];
    const graph = new Graph();
    const x = graph.input("x", [T, d]);
    const weight = graph.weight("W", [d, d], "f32");
    const inner = add(graph, x, linear(graph, x, { name: "inner", weight }));
    const outer = add(graph, inner, linear(graph, inner, { name: "outer", weight }));
    const dy = graph.input("dy", [T, d]);
    const seed = add(graph, dy, dy);
    const dx = backward(graph, { seeds: new Map([[outer, seed]]), wrt: new Set([x]), add }).get(x);
    if (!dx) throw new Error("x got no gradient");
    const W = uniform(d * d, 1);
    const seedValues = uniform(T * d, 2);
    const run = await runGraph(
      gpu,
      graph,
      new Map<Tensor, ArrayBufferView>([
        [weight, Float32Array.from(W)],
        [dy, Float32Array.from(seedValues)],
      ]),
    );
    const through = (g: Float64Array): Float64Array => product(g, W, T, d, d).map((v, i) => v + (g[i] ?? 0));
    expect(relativeError(await run.read(dx), through(through(seedValues.map((v) => 2 * v))))).toBeLessThan(1e-6);
    run.destroy();
  });

  it("refuses different shapes", () => {
    const graph = new Graph();
    expect(() => add(graph, graph.input("a", [2, 3]), graph.input("b", [3, 2]))).toThrow("cannot be added");
  });
});

describe("gatherRows", () => {
  for (const options of [{}, { maxBinding: 128 * 20 * 4, maxGroups: 8 }]) {
    it(`reads rows, and scatters their gradient, ${JSON.stringify(options)}`, async () => {
      const gpu = await testGpu(options);
      const [T, d] = [333, 19];
      const chosen = [332, 0, 127, 128, 200];
      const graph = new Graph();
      const x = graph.input("x", [T, d]);
      const rows = graph.input("rows", [chosen.length], "u32");
      const y = graph.retain(gatherRows(graph, x, rows));
      const dy = graph.input("dy", [chosen.length, d]);
      const dx = backward(graph, { seeds: new Map([[y, dy]]), wrt: new Set([x]), add }).get(x);
      if (!dx) throw new Error("x got no gradient");
      const [values, seed] = [uniform(T * d, 1), uniform(chosen.length * d, 2)];
      const data = new Map<Tensor, ArrayBufferView>([
        [x, Float32Array.from(values)],
        [rows, Uint32Array.from(chosen)],
        [dy, Float32Array.from(seed)],
      ]);
      const run = await runGraph(gpu, graph, data);
      expect([...(await run.read(y))].slice(0, chosen.length * d)).toEqual(
        chosen.flatMap((row) => [...values.subarray(row * d, (row + 1) * d)]),
      );
      const expected = new Float64Array(T * d);
      chosen.forEach((row, i) => expected.set(seed.subarray(i * d, (i + 1) * d), row * d));
      expect([...(await run.read(dx))].slice(0, T * d)).toEqual([...expected]);
      run.destroy();
    });
  }
});

describe("argmax", () => {
  it("finds the largest, the lowest of equals, also among infinities", async () => {
    const gpu = await testGpu({ maxGroups: 3 });
    const [B, V] = [7, 1000];
    const values = Float32Array.from(uniform(B * V, 5));
    values.set([5, 5], 1 * V + 300); // neighbours
    values.set([6], 2 * V + 999); // the last
    values.fill(-2, 3 * V, 4 * V); // all equal
    values[4 * V + 511] = 7;
    values[4 * V + 255] = 7; // one invocation sees both
    values.fill(-Infinity, 5 * V, 6 * V);
    const graph = new Graph();
    const logits = graph.input("logits", [B, V]);
    const y = graph.retain(argmax(graph, logits));
    const run = await runGraph(gpu, graph, new Map([[logits, values]]));
    const expected = Array.from({ length: B }, (_, row) => {
      const part = values.subarray(row * V, (row + 1) * V);
      return part.indexOf(part.reduce((a, b) => Math.max(a, b), -Infinity));
    });
    expect([...(await run.readWords(y))].slice(0, B)).toEqual(expected);
    run.destroy();
  });

  it("rows shorter than a workgroup", async () => {
    const gpu = await testGpu();
    const graph = new Graph();
    const logits = graph.input("logits", [2, 3]);
    const y = graph.retain(argmax(graph, logits));
    const run = await runGraph(gpu, graph, new Map([[logits, Float32Array.of(-3, -1, -1, -9, -8, -7)]]));
    expect([...(await run.readWords(y))].slice(0, 2)).toEqual([1, 2]);
    run.destroy();
  });
});
