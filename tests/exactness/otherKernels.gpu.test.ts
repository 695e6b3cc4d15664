/**
 * @file The kernels that this adapter would not choose: operators have variants for software adapters and for GPUs.
 * Both must be exact wherever the tests run, so here the engine is told that the adapter is of the other kind.
 */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { Generator } from "../../src/generate/generator.ts";
import { testGpu } from "../support/gpu.ts";
import { TOLERANCE, Tally, largestDifference, relativeError } from "./compare.ts";
import { loadGolden, trainOnEngine } from "./engine.ts";
import { MODELS, arrayOf, readGolden } from "./golden.ts";

const tally = new Tally("the other kind of adapter's kernels, worst disagreement with PyTorch + PEFT");

async function otherKind(): Promise<Gpu> {
  const gpu = await testGpu();
  return { ...gpu, adapter: { ...gpu.adapter, software: !gpu.adapter.software } };
}

describe.each(MODELS)("%s", (model) => {
  it("scores and decodes alike", async () => {
    const gpu = await otherKind();
    const { plain } = (await readGolden(model)).scores;
    const loaded = await loadGolden(gpu, model);
    const generator = new Generator(gpu, loaded);
    const scored = await generator.score(plain.sequences.map(({ tokens }) => tokens));
    plain.sequences.forEach(({ token_logprobs }, index) => {
      expect(
        tally.add(model, "log-probability", largestDifference(scored[index] ?? [], token_logprobs)),
      ).toBeLessThanOrEqual(TOLERANCE.logProbability);
    });
    const made = await generator.generate(
      plain.greedy.map(({ prompt }) => prompt),
      { maxNewTokens: 16, endTokens: new Set() },
    );
    expect(made).toEqual(plain.greedy.map(({ tokens }) => tokens));
    generator.destroy();
    loaded.destroy();
  });

  it("trains alike", async () => {
    const golden = await readGolden(model);
    const run = golden.runs.find(({ name }) => name === "asft-all");
    if (!run) throw new Error("no run asft-all");
    const result = await trainOnEngine(await otherKind(), model, golden, run, { keepGradients: golden.gradient_steps });
    for (const [step, gradients] of result.gradients) {
      for (const [key, gradient] of gradients) {
        const error = relativeError(gradient, arrayOf(golden, `${run.name}/gradient ${step}/${key}`));
        expect(tally.add(model, `gradient ${step}`, error), `${key}, step ${step}`).toBeLessThanOrEqual(
          TOLERANCE.gradient,
        );
      }
    }
    const losses = [result.steps, run.steps].map((steps) => steps.map(({ loss }) => loss));
    expect(tally.add(model, "loss", largestDifference(losses[0] ?? [], losses[1] ?? []))).toBeLessThanOrEqual(
      TOLERANCE.loss,
    );
  });
});
