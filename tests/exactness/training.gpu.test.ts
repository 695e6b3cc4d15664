/**
 * @file 24 optimiser steps against transformers + PEFT + torch.optim.AdamW in float32: gradients, losses, final
 * updates.
 */

import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { testGpu } from "../support/gpu.ts";
import { TOLERANCE, Tally, largestDifference, product, relativeError } from "./compare.ts";
import { type EngineRun, trainOnEngine } from "./engine.ts";
import { type Golden, MODELS, arrayOf, readGolden } from "./golden.ts";

const goldens = new Map(await Promise.all(MODELS.map(async (model) => [model, await readGolden(model)] as const)));
const tally = new Tally(
  "training, worst disagreement with PyTorch + PEFT (gradients and B·A: relative Frobenius; losses: absolute)",
);

describe.each([...goldens])("%s", (model, golden: Golden) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  it.each(golden.runs.map((run) => [run.name, run] as const))("%s", async (name, run) => {
    const row = `${model} ${name}`;
    const result = await trainOnEngine(gpu, model, golden, run, { keepGradients: golden.gradient_steps });

    for (const step of golden.gradient_steps) {
      const gradients = result.gradients.get(step) ?? new Map<string, Float32Array>();
      expect([...gradients.keys()].sort()).toEqual(
        run.modules.flatMap((path) => [`${path}.lora_A`, `${path}.lora_B`]).sort(),
      );
      for (const [key, gradient] of gradients) {
        const error = relativeError(gradient, arrayOf(golden, `${name}/gradient ${step}/${key}`));
        expect
          .soft(tally.add(row, `gradient ${step}`, error), `${key}, step ${step}`)
          .toBeLessThanOrEqual(TOLERANCE.gradient);
      }
    }
    for (const key of ["ce", "penalty", "loss", "learning_rate"] as const) {
      const error = largestDifference(
        result.steps.map((step) => step[key]),
        run.steps.map((step) => step[key]),
      );
      const size = key === "loss" ? Math.max(1, ...run.steps.map(({ loss }) => Math.abs(loss))) : 1;
      const allowed = key === "learning_rate" ? 1e-12 : TOLERANCE.loss * size;
      expect.soft(tally.add(row, key, error), key).toBeLessThanOrEqual(allowed);
    }
    const norms = [result.steps, run.steps].map((steps) => steps.map(({ grad_norm }) => grad_norm));
    expect
      .soft(tally.add(row, "grad_norm (rel)", relativeError(norms[0] ?? [], norms[1] ?? [])))
      .toBeLessThanOrEqual(TOLERANCE.gradNorm);

    for (const { path, r, A, B } of result.final) {
      const expected = product(
        arrayOf(golden, `${name}/final/${path}.lora_B`),
        arrayOf(golden, `${name}/final/${path}.lora_A`),
        r,
      );
      expect
        .soft(tally.add(row, "B·A", relativeError(product(B, A, r), expected)), path)
        .toBeLessThanOrEqual(TOLERANCE.update);
    }
    expectAllChanged(result);
  });

  it.each(
    golden.runs
      .filter(({ name }) => ["sft-qv", "asft-all", "asft-qv-accumulation"].includes(name))
      .map((run) => [run.name, run] as const),
  )("%s: packed and padded batches give the same losses", async (name, run) => {
    const packed = await trainOnEngine(gpu, model, golden, run, { packing: true });
    const error = largestDifference(
      packed.steps.map(({ loss }) => loss),
      run.steps.map(({ loss }) => loss),
    );
    expect(tally.add(`${model} ${name}`, "packed loss", error)).toBeLessThanOrEqual(TOLERANCE.loss);
  });
});

function expectAllChanged({ start, final }: EngineRun): void {
  const before = new Map(start.map((module) => [module.path, module]));
  for (const { path, A, B } of final) {
    const old = before.get(path);
    expect(old, path).toBeDefined();
    expect(A, `${path} A`).not.toEqual(old?.A);
    expect(B, `${path} B`).not.toEqual(old?.B);
  }
}
