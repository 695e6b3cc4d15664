/** @file The memory that a plan states is what the trainer then allocates. */

import { describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import { ParameterStore } from "../../../src/engine/parameters.ts";
import { limitsOf } from "../../../src/experiment/plan/deviceMemory.ts";
import { loadRows, tokenizeForRun } from "../../../src/experiment/data/runData.ts";
import { planRun } from "../../../src/experiment/plan/runPlan.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { loadWeights, openModelFiles } from "../../../src/experiment/run/textModel.ts";
import { bindMethod } from "../../../src/methods/registry.ts";
import { EMPTY_EVALUATION } from "../../../src/eval/evaluationPlan.ts";
import { adapterLayout } from "../../../src/model/lora.ts";
import { Trainer, createStats } from "../../../src/train/trainer.ts";
import { testGpu } from "../../support/gpu.ts";

describe("planRun", () => {
  it("states the bytes of weights, anchors, adapter and activations exactly", async () => {
    const gpu = await testGpu();
    const environment = nodeEnvironment();
    const spec = resolveSpec({
      data: { train: { source: "apothecary", n: 60 } },
      method: { name: "asft", lambda: 1 },
      lora: { target_modules: "all-linear" },
      train: { num_train_epochs: 1, gradient_accumulation_steps: 2 },
    });
    const files = await openModelFiles(environment, spec.model.aligned);
    const { examples } = tokenizeForRun(spec, await loadRows(spec, environment), files);
    const method = bindMethod(spec.method);
    const { memory, modules, capacities } = planRun(spec, files, examples, {
      device: limitsOf(gpu, null),
      evaluation: EMPTY_EVALUATION,
    });
    expect(modules).toHaveLength(28);

    const model = await loadWeights(gpu, files);
    const parameters = await ParameterStore.create(gpu, adapterLayout(modules));
    const stats = await createStats(gpu, modules.length);
    const unaligned = await environment.openModel(spec.model.unaligned ?? "");
    const prepared = await method.prepare({ gpu, modules, parameters, stats, aligned: files.checkpoint, unaligned });
    const trainer = await Trainer.create({
      gpu,
      model,
      adapter: { modules, parameters },
      stats,
      settings: {
        ...spec.train,
        lora_dropout: spec.lora.lora_dropout,
        seed: 1,
        gradient_accumulation_steps: 2,
      },
      capacities,
      ...(prepared.penalty ? { penalty: prepared.penalty } : {}),
    });
    const { activations, inputs } = trainer.bytes;
    expect(memory.weights).toBe(model.bytes);
    expect(memory.anchor).toBe(prepared.bytes);
    expect(memory.adapter).toBe(Object.values(parameters.buffers).reduce((sum, buffer) => sum + buffer.size, 0));
    expect(Math.abs(memory.activations + memory.logits - activations)).toBeLessThanOrEqual(16 * 64);
    expect(memory.inputs).toBeGreaterThanOrEqual(inputs + stats.size);
    trainer.destroy();
    prepared.destroy();
    parameters.destroy();
    model.destroy();
  });
});
