/** @file SwiGLU: forward, either and both gradients, extreme gates, parts. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Graph, backward } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { swiglu } from "../../src/engine/operators/swiglu.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, relativeError, spread } from "../support/numeric.ts";
import { swigluGradient, swigluReference } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

async function check(gpu: Gpu, tokens: number, width: number, wanted: readonly ("gate" | "up")[]): Promise<void> {
  const [g, u, dy] = [normal(tokens * width, 1, 3), normal(tokens * width, 2), normal(tokens * width, 3)];
  g.set([0, 200, -200, 88, -88], 5);
  const graph = new Graph();
  const shape = [tokens, width];
  const tensors = { gate: graph.input("gate", shape), up: graph.input("up", shape) };
  const seed = graph.input("seed", shape);
  const y = graph.keep(swiglu(graph, tensors.gate, tensors.up));
  const gradients = backward(graph, { seeds: new Map([[y, seed]]), wanted: new Set(wanted.map((name) => tensors[name])), add });
  const run = await runGraph(gpu, graph, new Map<Tensor, ArrayBufferView>([[tensors.gate, g], [tensors.up, u], [seed, dy]]));
  expect(relativeError(await run.read(y), swigluReference(g, u))).toBeLessThan(1e-6);
  const { dGate, dUp } = swigluGradient(g, u, dy);
  const where = [...spread(g.length), 0, 1, 2, 3];
  for (const name of wanted) {
    const got = await run.read(gradients.get(tensors[name]) ?? seed);
    const exact = name === "gate" ? dGate : dUp;
    expect(relativeError(got, exact), name).toBeLessThan(1e-6);
    const loss = (moved: Float64Array): number => inner(dy, name === "gate" ? swigluReference(moved, u) : swigluReference(g, moved));
    const differences = centralDifferences(loss, name === "gate" ? g : u, where);
    expect(relativeError(pick(exact, where), differences), name).toBeLessThan(1e-6);
    expect(relativeError(pick(got, where), differences), name).toBeLessThan(1e-5);
  }
  expect(gradients.size).toBe(wanted.length);
  expect(await run.read(seed)).toEqual(dy);
  run.destroy();
}

describe("swiglu", () => {
  it("gives both gradients", async () => check(await testGpu(), 37, 20, ["gate", "up"]));
  it("gives the gradient of gate alone", async () => check(await testGpu(), 37, 20, ["gate"]));
  it("gives the gradient of up alone", async () => check(await testGpu(), 37, 20, ["up"]));
  it("works in parts and many workgroups", async () => check(await testGpu({ maxBinding: 128 * 43 * 4, maxGroups: 20 }), 300, 43, ["gate", "up"]));
});
