/**
 * @file A training step is one submit and makes nothing on the device that outlives it: buffers, bind groups and
 * pipelines are there before.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { createRig, sideOf } from "../../src/experiment/measure/rig.ts";
import { type MethodInput, bindMethod } from "../../src/methods/registry.ts";
import { ParameterStore } from "../../src/engine/parameters.ts";
import { adapterLayout } from "../../src/model/lora.ts";
import { batchSize, packBatch } from "../../src/batch/packBatch.ts";
import { initialAdapter, writeAdapter } from "../../src/train/initAdapter.ts";
import { bucketCapacities, capacityFor } from "../../src/train/capacities.ts";
import { Trainer, createStats } from "../../src/train/trainer.ts";
import { demoExamples, demoModules, loadDemo } from "../support/demo.ts";
import { deviceCalls } from "../support/deviceCalls.ts";
import { testGpu } from "../support/gpu.ts";

/** A trainer on the bundled model with two micro-batches a step, of two shapes. */
async function start(options: MethodInput, gpu?: Gpu) {
  gpu ??= await testGpu();
  const model = await loadDemo(gpu);
  const modules = demoModules(model);
  const parameters = await ParameterStore.create(gpu, adapterLayout(modules));
  writeAdapter(parameters, modules, (module) => initialAdapter(module, 1));
  const stats = await createStats(gpu, modules.length);
  const none = {
    tensors: new Map(),
    read: () => {
      throw new Error("this method reads no weights");
    },
  };
  const method = await bindMethod(options).prepare({ gpu, modules, parameters, stats, aligned: none });
  const examples = await demoExamples(12);
  const halves = [examples.slice(0, 8), examples.slice(8)];
  const sizes = halves.map((half) => batchSize(half, true));
  const capacities = bucketCapacities(sizes);
  const trainer = await Trainer.create({
    gpu,
    model,
    adapter: { modules, parameters },
    stats,
    capacities,
    settings: {
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
      weight_decay: 0,
      max_grad_norm: 1,
      lora_dropout: 0.05,
      seed: 7,
      gradient_accumulation_steps: 2,
    },
    ...(method.penalty ? { penalty: method.penalty } : {}),
  });
  const batches = halves.map((half, index) =>
    packBatch(half, { packing: true, capacity: capacityFor(capacities, sizes[index] ?? { tokens: 1, labels: 1 }) }),
  );
  let done = 0;
  return {
    gpu,
    capacities,
    step: (): Promise<unknown> => {
      method.steps?.before({ step: done++, totalSteps: 100, stream: "user" });
      return trainer.step(batches, 1e-3);
    },
    destroy: () => {
      trainer.destroy();
      method.destroy();
      parameters.destroy();
      model.destroy();
      stats.buffer.destroy();
    },
  };
}

/** A trainer on two small layers with AsFT. */
async function small() {
  const gpu = await testGpu();
  const config = {
    model_type: "llama",
    hidden_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    intermediate_size: 64,
    vocab_size: 64,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
  };
  const rig = await createRig(gpu, { name: "small", config, rows: 1, length: 32 }, ["asft"]);
  return { gpu, step: () => sideOf(rig, "asft").trainer.step([rig.batch], 1e-3), destroy: () => rig.destroy() };
}

describe("a training step", () => {
  it.each<MethodInput>([
    { name: "sft" },
    { name: "asft", lambda: 1, projector: "none" },
    { name: "lisa", rho: 1, alignment_steps: 0 },
  ])("of $name is one submit and makes no object, from the first one on", async (options) => {
    const run = await start(options);
    expect(run.capacities.length).toBeGreaterThan(1);
    // Lisa's anchor is taken where a state begins, before the step: a copy of its own, here in the first step only.
    const switching = options.name === "lisa" ? 1 : 0;
    const scalars = 1 + (options.name === "lisa" ? 1 : 0);
    expect(await deviceCalls(run.gpu, run.step)).toEqual({
      createCommandEncoder: 1 + switching,
      submit: 1 + switching,
      writeBuffer: scalars + 2,
    });
    for (let i = 0; i < 3; i++)
      expect(await deviceCalls(run.gpu, run.step)).toEqual({
        createCommandEncoder: 1,
        submit: 1,
        writeBuffer: scalars + 2,
      });
    run.destroy();
  });

  it("with AsFT and its anchors is one submit and makes no object", async () => {
    const { gpu, step, destroy } = await small();
    for (let i = 0; i < 2; i++)
      expect(await deviceCalls(gpu, step)).toEqual({ createCommandEncoder: 1, submit: 1, writeBuffer: 2 });
    destroy();
  });

  it("has its pipelines compiled asynchronously, side by side", async () => {
    // A device of its own, whose pipelines are not there yet.
    const gpu = await testGpu({ maxGroups: 1000 });
    const compile = gpu.device.createComputePipelineAsync.bind(gpu.device);
    let [waiting, most, all] = [0, 0, 0];
    const spy = vi.spyOn(gpu.device, "createComputePipelineAsync").mockImplementation(async (descriptor) => {
      all += 1;
      waiting += 1;
      most = Math.max(most, waiting);
      return compile(descriptor).finally(() => (waiting -= 1));
    });
    const blocking = vi.spyOn(gpu.device, "createComputePipeline");
    const run = await start({ name: "sft" }, gpu);
    // Those of both shapes and of the optimiser; nothing was compiled before.
    expect(all).toBeGreaterThan(15);
    expect(most).toBeGreaterThan(0.8 * all);
    expect(blocking).not.toHaveBeenCalled();
    for (const { mockRestore } of [spy, blocking]) mockRestore();
    run.destroy();
  });

  it("leaves nothing on the heap", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { step, destroy } = await small();
    const used = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const after = async (steps: number): Promise<number> => {
      for (let i = 0; i < steps; i++) await step();
      // Answers of the device arrive in later turns.
      await new Promise((resolve) => setTimeout(resolve, 20));
      return used();
    };
    const begin = await after(20);
    const end = await after(60);
    // The micro-batch alone, if it were kept, would be 60 times 2.5 kB.
    expect(end - begin).toBeLessThan(100_000);
    destroy();
  });
});
