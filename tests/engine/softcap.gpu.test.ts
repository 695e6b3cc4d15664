/** @file Soft-capping: every size of argument, the gradient, an input that is read again, parts. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { softcap } from "../../src/engine/operators/softcap.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "../support/numeric.ts";
import { runGraph } from "../support/runGraph.ts";

const reference = (x: ArrayLike<number>, cap: number): Float64Array =>
  Float64Array.from(x, (value) => cap * Math.tanh(value / cap));

async function check(gpu: Gpu, tokens: number, width: number, cap: number): Promise<void> {
  const [x, dy] = [normal(tokens * width, 1, 20), normal(tokens * width, 2)];
  const graph = new Graph();
  const [input, seed] = [graph.input("x", [tokens, width]), graph.input("seed", [tokens, width])];
  // A sum before: the cap takes over a value's storage, and x is read again after it.
  const sum = add(graph, input, input);
  const y = graph.retain(add(graph, softcap(graph, sum, cap), sum));
  const gradients = backward(graph, { seeds: new Map([[y, seed]]), wrt: new Set([input]), add });
  const run = await runGraph(
    gpu,
    graph,
    new Map<Tensor, ArrayBufferView>([
      [input, x],
      [seed, dy],
    ]),
  );
  const whole = (moved: ArrayLike<number>): Float64Array =>
    reference(
      Float64Array.from(moved, (value) => 2 * value),
      cap,
    ).map((value, i) => value + 2 * (moved[i] ?? 0));
  expect(relativeError(await run.read(y), whole(x))).toBeLessThan(1e-6);
  const exact = Float64Array.from(x, (value, i) => 2 * (dy[i] ?? 0) * (2 - Math.tanh((2 * value) / cap) ** 2));
  const got = await run.read(gradients.get(input) ?? seed);
  expect(relativeError(got, exact)).toBeLessThan(1e-6);
  const where = spread(x.length);
  const differences = centralDifferences((moved) => inner(dy, whole(moved)), x, where);
  expect(relativeError(pick(exact, where), differences)).toBeLessThan(1e-6);
  expect(relativeError(pick(got, where), differences)).toBeLessThan(1e-5);
  expect(await run.read(seed)).toEqual(dy);
  run.destroy();
}

describe("softcap", () => {
  it("gives values and gradient", async () => check(await testGpu(), 37, 23, 30));
  it("works in parts and many workgroups", async () =>
    check(await testGpu({ maxBinding: 128 * 43 * 4, maxGroups: 20 }), 300, 43, 30));

  it("is exact to single precision for arguments of every size", async () => {
    const cap = 30;
    const x = Float32Array.of(0, 1e-30, -1e-6, 1e-3, 0.5, -1, 5, 14.9, 15.1, -30, 100, -263, 400, 1e4, -1e20, 3e38);
    const graph = new Graph();
    const input = graph.input("x", [x.length, 1]);
    const y = graph.retain(softcap(graph, input, cap));
    const run = await runGraph(await testGpu(), graph, new Map<Tensor, ArrayBufferView>([[input, x]]));
    const got = await run.read(y);
    reference(x, cap).forEach((exact, i) =>
      expect(Math.abs((got[i] ?? NaN) - exact), `softcap(${x[i]})`).toBeLessThanOrEqual(5e-7 * Math.abs(exact)),
    );
    expect(await run.read(input)).toEqual(x);
    run.destroy();
  });

  it("refuses a cap that is not above zero", () => {
    const graph = new Graph();
    for (const cap of [0, -1, NaN])
      expect(() => softcap(graph, graph.input("x", [1, 1]), cap)).toThrow(`a softcap of ${cap} is not possible`);
  });
});
