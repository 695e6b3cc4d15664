/**
 * @file Layers computed again in the reverse pass give the same losses, gradients and adapters, bit for bit, in every
 * family.
 */

import { describe, expect, it } from "vitest";
import { testGpu } from "../support/gpu.ts";
import { type EngineRun, trainOnEngine } from "./engine.ts";
import { MODELS, readGolden } from "./golden.ts";

/** Dropout is on: the masks are made again, too. */
const OPTIONS = { dropout: 0.3, maxSteps: 3, keepGradients: [1, 2, 3] };

describe.each(MODELS)("%s", (model) => {
  it("gives the same bits", async () => {
    const golden = await readGolden(model);
    const run = golden.runs.find(({ name }) => name === "asft-all") ?? golden.runs[0];
    if (!run) throw new Error("no run");
    const gpu = await testGpu();
    const kept = await trainOnEngine(gpu, model, golden, run, OPTIONS);
    const again = await trainOnEngine(gpu, model, golden, run, { ...OPTIONS, checkpoint: true });
    expect(kept.gradients.get(3)?.size).toBe(2 * kept.final.length);
    expect(facts(again)).toEqual(facts(kept));
  });
});

function facts({ steps, gradients, final }: EngineRun): unknown {
  return { steps, gradients, final };
}
