/** @file add, gatherRows and argmax: values, gradients, ties, parts, and the care that shared gradients need. */

import { describe, expect, it } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { argmax, gatherRows } from "../../src/engine/operators/logits.ts";
import { planMemory } from "../../src/engine/plan.ts";
import { describeOnAdapters, testGpu } from "../support/gpu.ts";
import { plus, product, uniform } from "../support/numeric.ts";
import { type Numbers, ONLY, checkOperator } from "../support/operatorCheck.ts";

describe("add", () => {
  it.each([{}, { maxBinding: 128 * 40 * 4, maxGroups: 5 }])("sums, %j", async (options) => {
    const [T, d] = [300, 37];
    await checkOperator(await testGpu(options), {
      operands: {
        a: { shape: [T, d], values: uniform(T * d, 1), grad: true },
        b: { shape: [T, d], values: uniform(T * d, 2), grad: true },
      },
      graph: (graph, { a, b }) => add(graph, a, b),
      reference: ({ a, b }) => plus(a, b),
      gradient: (_, { [ONLY]: dy }) => ({ a: dy, b: dy }),
      tolerance: { output: 1e-7, gradient: 1e-12 },
    });
  });

  it("passes its gradient on to both, as the same tensor", () => {
    const graph = new Graph();
    const [a, b, dy] = [graph.input("a", [3, 4]), graph.input("b", [3, 4]), graph.input("dy", [3, 4])];
    const gradients = backward(graph, { seeds: new Map([[add(graph, a, b), dy]]), wrt: new Set([a, b]), add });
    expect([gradients.get(a), gradients.get(b)]).toEqual([dy, dy]);
  });

  it("adds in place of its first summand when nobody reads that later, and never otherwise", async () => {
    await checkOperator(await testGpu(), {
      operands: { x: { shape: [3, 4], values: uniform(12, 3) } },
      graph: (graph, { x }) => {
        const first = add(graph, x, x);
        const second = add(graph, first, x);
        const third = add(graph, second, first);
        const { slotOf } = planMemory(graph);
        expect(slotOf.get(second)).not.toBe(slotOf.get(first));
        expect(slotOf.get(third)).toBe(slotOf.get(second));
        return add(graph, third, third);
      },
      reference: ({ x }) => Float64Array.from(x, (value) => 10 * value),
    });
  });

  it("a gradient that two branches read is not overwritten by the one that comes first", async () => {
    // Each sum x + W x sends one tensor into a layer and past it; the last one's gradient is a value.
    const [T, d] = [5, 8];
    const W = uniform(d * d, 1);
    const through = (g: Numbers): Float64Array => plus(product(g, W, T, d, d), g);
    await checkOperator(await testGpu(), {
      operands: {
        x: { shape: [T, d], values: uniform(T * d, 2), grad: true },
        W: { kind: "weight", shape: [d, d], values: W },
      },
      graph: (graph, tensors) => {
        const inner = add(graph, tensors.x, linear(graph, tensors.x, { name: "inner", weight: tensors.W }));
        const outer = add(graph, inner, linear(graph, inner, { name: "outer", weight: tensors.W }));
        return add(graph, outer, outer);
      },
      reference: ({ x }) => {
        const layer = (y: Numbers): Float64Array => plus(product(y, W, T, d, d, true), y);
        const outer = layer(layer(x));
        return plus(outer, outer);
      },
      gradient: (_, { [ONLY]: dy = [] }) => ({ x: through(through(plus(dy, dy))) }),
    });
  });

  it("refuses different shapes", () => {
    const graph = new Graph();
    expect(() => add(graph, graph.input("a", [2, 3]), graph.input("b", [3, 2]))).toThrow("cannot be added");
  });
});

describe("gatherRows", () => {
  it.each([{}, { maxBinding: 128 * 20 * 4, maxGroups: 8 }])(
    "reads rows, and scatters their gradient, %j",
    async (options) => {
      const [T, d] = [333, 19];
      const chosen = [332, 0, 127, 128, 200];
      await checkOperator(await testGpu(options), {
        operands: {
          x: { shape: [T, d], values: uniform(T * d, 1), grad: true },
          rows: { shape: [chosen.length], values: Uint32Array.from(chosen) },
        },
        graph: (graph, { x, rows }) => gatherRows(graph, x, rows),
        reference: ({ x }) => chosen.flatMap((row) => Array.from(x).slice(row * d, (row + 1) * d)),
        gradient: (_, { [ONLY]: dy = new Float32Array() }) => {
          const x = new Float64Array(T * d);
          chosen.forEach((row, i) => x.set(dy.subarray(i * d, (i + 1) * d), row * d));
          return { x };
        },
        tolerance: { output: 0, gradient: Number.MIN_VALUE },
        points: chosen.map((row) => row * d),
      });
    },
  );
});

describeOnAdapters("argmax", ({ open }) => {
  it("finds the largest, the lowest of equals, also among infinities", async () => {
    const [B, V] = [7, 1000];
    const logits = uniform(B * V, 5);
    logits.set([5, 5], 1 * V + 300); // neighbours
    logits.set([6], 2 * V + 999); // the last
    logits.fill(-2, 3 * V, 4 * V); // all equal
    logits[4 * V + 511] = 7;
    logits[4 * V + 255] = 7; // one invocation sees both
    logits.fill(-Infinity, 5 * V, 6 * V);
    await checkOperator(await open({ maxGroups: 3 }), {
      operands: { logits: { shape: [B, V], values: logits } },
      graph: (graph, tensors) => argmax(graph, tensors.logits),
      reference: () =>
        Array.from({ length: B }, (_, row) => {
          const part = logits.subarray(row * V, (row + 1) * V);
          return part.indexOf(part.reduce((a, b) => Math.max(a, b), -Infinity));
        }),
      tolerance: { output: 0 },
    });
  });

  it("works on rows shorter than a workgroup", async () => {
    await checkOperator(await open(), {
      operands: { logits: { shape: [2, 3], values: Float32Array.of(-3, -1, -1, -9, -8, -7) } },
      graph: (graph, tensors) => argmax(graph, tensors.logits),
      reference: () => [1, 2],
      tolerance: { output: 0 },
    });
  });
});
