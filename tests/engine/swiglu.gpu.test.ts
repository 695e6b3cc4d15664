/** @file Gated linear units with SiLU and GELU: forward, either and both gradients, extreme gates, parts. */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { type GluActivation, swiglu } from "../../src/engine/operators/swiglu.ts";
import { testGpu } from "../support/gpu.ts";
import { normal } from "../support/numeric.ts";
import { ONLY, checkOperator } from "../support/operatorCheck.ts";
import { gatedGradient, gatedReference } from "../support/reference.ts";

interface Case {
  readonly activation: GluActivation;
  readonly wanted: readonly ("gate" | "up")[];
  readonly shape?: readonly [tokens: number, width: number];
}

async function check(gpu: Gpu, { activation, wanted, shape = [37, 20] }: Case): Promise<void> {
  const count = shape[0] * shape[1];
  const [gate, up, seed] = [normal(count, 1, 3), normal(count, 2), normal(count, 3)];
  // Where exp and tanh overflow, where a cube does, and on both sides of the clamp.
  gate.set([0, 200, -200, 88, -88, 1e20, -1e20, 11.9, 12.1, -11.9, -12.1, 5e-4], 5);
  up.set([1e-20, 1e-20], 10);
  seed.set([1e-20, 1e-20], 10);
  await checkOperator(gpu, {
    operands: {
      gate: { shape, values: gate, grad: wanted.includes("gate") },
      up: { shape, values: up, grad: wanted.includes("up") },
    },
    graph: (graph, tensors) => swiglu(graph, tensors.gate, tensors.up, activation),
    reference: (values) => gatedReference(values.gate, values.up, activation),
    gradient: (values, { [ONLY]: dy = [] }) => {
      const { dGate, dUp } = gatedGradient(values.gate, values.up, dy, activation);
      return { gate: dGate, up: dUp };
    },
    seeds: { [ONLY]: seed },
    points: [0, 1, 2, 3],
  });
}

describe.each(["silu", "gelu_pytorch_tanh"] as const)("gated linear unit, %s", (activation) => {
  it.each([[["gate", "up"]], [["gate"]], [["up"]]] as const)("computes the gradients of %s", async (wanted) => {
    await check(await testGpu(), { activation, wanted });
  });

  it("works in parts and many workgroups", async () => {
    const gpu = await testGpu({ maxBinding: 128 * 43 * 4, maxGroups: 20 });
    await check(gpu, { activation, wanted: ["gate", "up"], shape: [300, 43] });
  });

  it("is exact in the tails, element by element", async () => {
    const gate = Float32Array.from({ length: 241 }, (_, i) => (i - 120) / 8);
    const ones = new Float32Array(gate.length).fill(1);
    const shape = [gate.length, 1];
    const { outputs, gradients } = await checkOperator(await testGpu(), {
      operands: { gate: { shape, values: gate, grad: true }, up: { shape, values: ones } },
      graph: (graph, tensors) => swiglu(graph, tensors.gate, tensors.up, activation),
      reference: (values) => gatedReference(values.gate, values.up, activation),
      seeds: { [ONLY]: ones },
    });
    const exact = gatedReference(gate, ones, activation);
    const slopes = gatedGradient(gate, ones, ones, activation).dGate;
    gate.forEach((value, i) => {
      const error = Math.abs((outputs[ONLY]?.[i] ?? NaN) - (exact[i] ?? 0));
      expect(error, `f(${value})`).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
      expect(Math.abs((gradients.gate?.[i] ?? NaN) - (slopes[i] ?? 0)), `f'(${value})`).toBeLessThan(2e-6);
    });
  });
});
