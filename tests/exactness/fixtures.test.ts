/** @file The golden fixtures themselves: complete, consistent, and made the way the tests assume. Needs no device. */

import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules, weightSpecs } from "../../src/model/layout.ts";
import { batchSize, examplesAt } from "../../src/batch/packBatch.ts";
import { epochSteps } from "../../src/train/epochs.ts";
import { learningRate } from "../../src/train/schedule.ts";
import { readTensorF32 } from "../../src/weights/checkpoint.ts";
import { matchTargetModules } from "../../src/weights/targetModules.ts";
import { product } from "./compare.ts";
import { MODELS, arrayOf, openGolden, readAdapter, readGolden } from "./golden.ts";

describe.each(MODELS)("%s", (model) => {
  it("is a pair of checkpoints that the configuration describes", async () => {
    const [aligned, unaligned] = await Promise.all([openGolden(model, "aligned"), openGolden(model, "unaligned")]);
    const config = parseConfig(aligned.config);
    expect(parseConfig(unaligned.config)).toEqual(config);
    for (const { name, shape } of weightSpecs(config)) {
      for (const checkpoint of [aligned, unaligned]) expect(checkpoint.tensors.get(name)?.shape, name).toEqual(shape);
    }
    for (const { path } of linearModules(config)) {
      if (path === "lm_head") continue;
      const [a, u] = await Promise.all([
        readTensorF32(aligned, `${path}.weight`),
        readTensorF32(unaligned, `${path}.weight`),
      ]);
      const norm = Math.hypot(...a.map((value, index) => value - (u[index] ?? 0)));
      expect(norm, `‖V‖ of ${path}`).toBeGreaterThan(0.45);
      expect(norm, `‖V‖ of ${path}`).toBeLessThan(3.1);
    }
  });

  it("has runs of 24 steps with all gradients, whose losses, rates and norms fit their specs", async () => {
    const golden = await readGolden(model);
    const config = parseConfig((await openGolden(model, "aligned")).config);
    const paths = linearModules(config).map(({ path }) => path);
    for (const { name, spec, steps, modules, update_norms } of golden.runs) {
      expect(steps).toHaveLength(24);
      expect([...modules].sort()).toEqual(matchTargetModules(spec.lora.target_modules, paths).sort());
      const lambda = spec.method.name === "asft" ? spec.method.lambda : 0;
      const perEpoch = epochSteps(golden.rows.length, { ...spec.train, shuffle: false }, 0).length;
      steps.forEach((step, index) => {
        expect(step.loss).toBeCloseTo(step.ce + lambda * step.penalty, 9);
        expect(step.learning_rate).toBeCloseTo(learningRate(spec.train, index, 24, Math.floor(index / perEpoch)), 12);
      });
      for (const step of golden.gradient_steps) {
        const squares = modules.flatMap((path) =>
          ["A", "B"].map((half) =>
            arrayOf(golden, `${name}/gradient ${step}/${path}.lora_${half}`).reduce((sum, g) => sum + g * g, 0),
          ),
        );
        const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
        expect(norm / (steps[step - 1]?.grad_norm ?? Number.NaN)).toBeCloseTo(1, 5);
      }
      const adapter = await readAdapter(model, spec.lora.init_adapter ?? "");
      expect(adapter.modules.map(({ path }) => path).sort()).toEqual([...modules].sort());
      for (const { path, r, A, B } of adapter.modules) {
        const final = product(
          arrayOf(golden, `${name}/final/${path}.lora_B`),
          arrayOf(golden, `${name}/final/${path}.lora_A`),
          r,
        );
        expect(Math.hypot(...final) / (update_norms[path] ?? Number.NaN)).toBeCloseTo(1, 4);
        expect(A.some((value) => value !== 0)).toBe(true);
        expect(
          B.every((value) => value === 0),
          `B of ${spec.lora.init_adapter}`,
        ).toBe(spec.lora.init_adapter?.endsWith("zero"));
      }
    }
  });

  it("has batches of unequal length and rows with unusual labels", async () => {
    const { rows } = await readGolden(model);
    const batches = epochSteps(
      rows.length,
      { per_device_train_batch_size: 4, gradient_accumulation_steps: 1, seed: 1, shuffle: false },
      0,
    ).flat();
    expect(batches.map((indices) => indices.length)).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
    for (const indices of batches) {
      const examples = examplesAt(rows, indices);
      expect(batchSize(examples, false).tokens).toBeGreaterThan(batchSize(examples, true).tokens);
    }
    expect(rows.some(({ labels }) => labels[0] !== -100)).toBe(true);
    expect(rows.some(({ labels }) => labels.filter((label) => label !== -100).length === 1)).toBe(true);
    expect(rows.some(({ labels }) => labels.at(-2) === -100 && labels.at(-3) !== -100)).toBe(true);
  });
});
