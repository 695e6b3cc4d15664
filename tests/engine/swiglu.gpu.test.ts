/** @file Gated units with SiLU and GELU: forward, either and both gradients, extreme gates, parts. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { type GluActivation, swiglu } from "../../src/engine/operators/swiglu.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "../support/numeric.ts";
import { gatedGradient, gatedReference } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

async function check(
  gpu: Gpu,
  tokens: number,
  width: number,
  activation: GluActivation,
  wanted: readonly ("gate" | "up")[],
): Promise<void> {
  const [g, u, dy] = [normal(tokens * width, 1, 3), normal(tokens * width, 2), normal(tokens * width, 3)];
  // Where exp and tanh overflow, where a cube does, and on both sides of the clamp.
  g.set([0, 200, -200, 88, -88, 1e20, -1e20, 11.9, 12.1, -11.9, -12.1, 5e-4], 5);
  u.set([1e-20, 1e-20], 10);
  dy.set([1e-20, 1e-20], 10);
  const graph = new Graph();
  const shape = [tokens, width];
  const tensors = { gate: graph.input("gate", shape), up: graph.input("up", shape) };
  const seed = graph.input("seed", shape);
  const y = graph.retain(swiglu(graph, tensors.gate, tensors.up, activation));
  const gradients = backward(graph, {
    seeds: new Map([[y, seed]]),
    wrt: new Set(wanted.map((name) => tensors[name])),
    add,
  });
  const run = await runGraph(
    gpu,
    graph,
    new Map<Tensor, ArrayBufferView>([
      [tensors.gate, g],
      [tensors.up, u],
      [seed, dy],
    ]),
  );
  expect(relativeError(await run.read(y), gatedReference(g, u, activation))).toBeLessThan(1e-6);
  const { dGate, dUp } = gatedGradient(g, u, dy, activation);
  const where = [...spread(g.length), 0, 1, 2, 3];
  for (const name of wanted) {
    const got = await run.read(gradients.get(tensors[name]) ?? seed);
    const exact = name === "gate" ? dGate : dUp;
    expect(relativeError(got, exact), name).toBeLessThan(1e-6);
    const loss = (moved: Float64Array): number =>
      inner(dy, name === "gate" ? gatedReference(moved, u, activation) : gatedReference(g, moved, activation));
    const differences = centralDifferences(loss, name === "gate" ? g : u, where);
    expect(relativeError(pick(exact, where), differences), name).toBeLessThan(1e-6);
    expect(relativeError(pick(got, where), differences), name).toBeLessThan(1e-5);
  }
  expect(gradients.size).toBe(wanted.length);
  expect(await run.read(seed)).toEqual(dy);
  run.destroy();
}

for (const activation of ["silu", "gelu_pytorch_tanh"] as const) {
  describe(`gated unit, ${activation}`, () => {
    it("gives both gradients", async () => check(await testGpu(), 37, 20, activation, ["gate", "up"]));
    it("gives the gradient of gate alone", async () => check(await testGpu(), 37, 20, activation, ["gate"]));
    it("gives the gradient of up alone", async () => check(await testGpu(), 37, 20, activation, ["up"]));
    it("works in parts and many workgroups", async () =>
      check(await testGpu({ maxBinding: 128 * 43 * 4, maxGroups: 20 }), 300, 43, activation, ["gate", "up"]));

    it("is exact in the tails, element by element", async () => {
      const g = Float32Array.from({ length: 241 }, (_, i) => (i - 120) / 8);
      const ones = new Float32Array(g.length).fill(1);
      const graph = new Graph();
      const [gate, up] = [graph.input("gate", [g.length, 1]), graph.input("up", [g.length, 1])];
      const seed = graph.input("seed", gate.shape);
      const y = graph.retain(swiglu(graph, gate, up, activation));
      const dGate = backward(graph, { seeds: new Map([[y, seed]]), wrt: new Set([gate]), add }).get(gate) ?? seed;
      const run = await runGraph(
        await testGpu(),
        graph,
        new Map<Tensor, ArrayBufferView>([
          [gate, g],
          [up, ones],
          [seed, ones],
        ]),
      );
      const [gotY, gotSlope] = [await run.read(y), await run.read(dGate)];
      const [exact, slopes] = [gatedReference(g, ones, activation), gatedGradient(g, ones, ones, activation).dGate];
      g.forEach((value, i) => {
        expect(Math.abs((gotY[i] ?? NaN) - (exact[i] ?? 0)), `f(${value})`).toBeLessThan(
          1e-6 * Math.max(1, Math.abs(value)),
        );
        expect(Math.abs((gotSlope[i] ?? NaN) - (slopes[i] ?? 0)), `f'(${value})`).toBeLessThan(2e-6);
      });
      run.destroy();
    });
  });
}
