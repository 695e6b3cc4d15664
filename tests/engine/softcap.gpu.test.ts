/** @file Soft-capping: arguments of every size, the gradient, an input that is read again, parts. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { softcap } from "../../src/engine/operators/softcap.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, plus } from "../support/numeric.ts";
import { ONLY, checkOperator } from "../support/operatorCheck.ts";
import { runGraph } from "../support/runGraph.ts";

const CAP = 30;
const capped = (x: ArrayLike<number>): Float64Array => Float64Array.from(x, (value) => CAP * Math.tanh(value / CAP));

async function check(gpu: Gpu, tokens: number, width: number): Promise<void> {
  await checkOperator(gpu, {
    operands: { x: { shape: [tokens, width], values: normal(tokens * width, 1, 20), grad: true } },
    // A sum before: the cap takes over a value's storage, and x is read again after it.
    graph: (graph, { x }) => {
      const sum = add(graph, x, x);
      return add(graph, softcap(graph, sum, CAP), sum);
    },
    reference: ({ x }) => {
      const sum = plus(x, x);
      return plus(capped(sum), sum);
    },
    gradient: ({ x }, { [ONLY]: dy = [] }) => ({
      x: Float64Array.from(x, (value, i) => 2 * (dy[i] ?? 0) * (2 - Math.tanh((2 * value) / CAP) ** 2)),
    }),
  });
}

describe("softcap", () => {
  it("computes values and gradient", async () => check(await testGpu(), 37, 23));
  it("works in parts and many workgroups", async () =>
    check(await testGpu({ maxBinding: 128 * 43 * 4, maxGroups: 20 }), 300, 43));

  it("is exact to single precision for arguments of every size", async () => {
    const x = Float32Array.of(0, 1e-30, -1e-6, 1e-3, 0.5, -1, 5, 14.9, 15.1, -30, 100, -263, 400, 1e4, -1e20, 3e38);
    const { outputs } = await checkOperator(await testGpu(), {
      operands: { x: { shape: [x.length, 1], values: x } },
      // x is an output, too: the cap must not overwrite it.
      graph: (graph, tensors) => ({ y: softcap(graph, tensors.x, CAP), x: tensors.x }),
      reference: (values) => ({ y: capped(values.x), x: values.x }),
    });
    capped(x).forEach((exact, i) =>
      expect(Math.abs((outputs.y?.[i] ?? NaN) - exact), `softcap(${x[i]})`).toBeLessThanOrEqual(5e-7 * Math.abs(exact)),
    );
    expect(outputs.x).toEqual(x);
  });

  it("keeps NaN, and takes infinities to the cap", async () => {
    const graph = new Graph();
    const x = graph.input("x", [3, 1]);
    const y = softcap(graph, x, CAP);
    graph.retain(y);
    const run = await runGraph(await testGpu(), graph, new Map([[x, Float32Array.of(NaN, Infinity, -Infinity)]]));
    expect(await run.read(y)).toEqual(Float32Array.of(NaN, CAP, -CAP));
    run.destroy();
  });

  it("refuses a cap that is not above zero", () => {
    const graph = new Graph();
    for (const cap of [0, -1, NaN])
      expect(() => softcap(graph, graph.input("x", [1, 1]), cap)).toThrow(`a softcap of ${cap} is not possible`);
  });
});
