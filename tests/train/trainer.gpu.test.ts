/** @file The trainer on the bundled model: it learns, its layouts agree, and a diverging step costs nothing. */

import { afterEach, describe, expect, it } from "vitest";
import { Trainer, createStats } from "../../src/train/trainer.ts";
import { bucketCapacities, capacityFor } from "../../src/train/capacities.ts";
import { initialAdapter, writeAdapter } from "../../src/train/initAdapter.ts";
import { batchSize, packBatch } from "../../src/batch/packBatch.ts";
import type { TokenizedExample } from "../../src/text/example.ts";
import { demoExamples, demoModules, demoParameters, loadDemo } from "../support/demo.ts";
import { testGpu } from "../support/gpu.ts";

const optimiser = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0, max_grad_norm: 0 };

interface Setup {
  readonly packing: boolean;
  readonly dropout?: number;
  readonly accumulation?: number;
}

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const free of cleanup.splice(0)) free();
});

/** A trainer on the given micro-batches; `run` takes one optimiser step per list of them. */
async function setUp(
  steps: readonly (readonly (readonly TokenizedExample[])[])[],
  { packing, dropout = 0, accumulation = 1 }: Setup,
) {
  const gpu = await testGpu();
  const model = await loadDemo(gpu);
  const modules = demoModules(model);
  const parameters = await demoParameters(gpu, modules);
  writeAdapter(parameters, modules, (module) => initialAdapter(module, 1));
  const stats = await createStats(gpu, modules.length);
  const capacities = bucketCapacities(steps.flat().map((examples) => batchSize(examples, packing)));
  const trainer = await Trainer.create({
    gpu,
    model,
    adapter: { modules, parameters },
    stats,
    settings: { ...optimiser, lora_dropout: dropout, seed: 7, gradient_accumulation_steps: accumulation },
    capacities,
  });
  cleanup.push(() => {
    trainer.destroy();
    parameters.destroy();
    model.destroy();
    stats.buffer.destroy();
  });
  const pack = (step: readonly (readonly TokenizedExample[])[]) =>
    step.map((examples) =>
      packBatch(examples, { packing, capacity: capacityFor(capacities, batchSize(examples, packing)) }),
    );
  const run = (step: readonly (readonly TokenizedExample[])[], learning_rate: number) =>
    trainer.step(pack(step), learning_rate);
  return { trainer, parameters, modules, pack, run };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

describe("trainer", () => {
  it("learns: the loss of 16 steps falls and every A and B moves", async () => {
    const steps = chunks(await demoExamples(64), 8).map((examples) => [examples]);
    const { run, parameters, modules } = await setUp(steps, { packing: true, dropout: 0.05 });
    const before = await parameters.readAll("values");
    const losses: number[] = [];
    for (let epoch = 0; epoch < 2; epoch++) for (const step of steps) losses.push((await run(step, 2e-3)).ce);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(losses.slice(8))).toBeLessThan(0.7 * mean(losses.slice(0, 8)));
    const after = await parameters.readAll("values");
    for (const { a, b } of modules) for (const name of [a, b]) expect(after.get(name)).not.toEqual(before.get(name));
  });

  it("gives the same losses packed, padded and accumulated", async () => {
    const steps = chunks(await demoExamples(24), 8).map((examples) => [examples]);
    const split = steps.map(([examples]) => chunks(examples ?? [], 4));
    const results: number[][] = [];
    for (const [batches, setup] of [
      [steps, { packing: true }],
      [steps, { packing: false }],
      [split, { packing: true, accumulation: 2 }],
    ] as const) {
      const { run } = await setUp(batches, setup);
      const losses: number[] = [];
      for (const step of batches) losses.push((await run(step, 1e-3)).ce);
      results.push(losses);
    }
    for (const other of results.slice(1))
      other.forEach((loss, index) => expect(loss).toBeCloseTo(results[0]?.[index] ?? Number.NaN, 4));
  });

  it("gives the same numbers to the last bit when each step is prepared while the one before is computed", async () => {
    const steps = chunks(await demoExamples(32), 8).map((examples) => chunks(examples, 4));
    const setup = { packing: true, dropout: 0.1, accumulation: 2 };
    const plain = await setUp(steps, setup);
    const expected: number[] = [];
    for (const step of steps) expected.push((await plain.run(step, 1e-3)).loss);

    const { trainer, parameters, pack } = await setUp(steps, setup);
    const losses: number[] = [];
    let prepared = trainer.prepare(pack(steps[0] ?? []));
    for (let i = 0; i < steps.length; i++) {
      const taken = trainer.take(prepared, 1e-3);
      prepared = trainer.prepare(pack(steps[(i + 1) % steps.length] ?? []));
      losses.push((await taken).loss);
    }
    expect(losses).toEqual(expected);
    expect(await parameters.readAll("values")).toEqual(await plain.parameters.readAll("values"));
    // The step that was prepared last was never taken, and counts for nothing.
    expect(trainer.steps).toBe(steps.length);
    expect((await trainer.step(pack(steps[1] ?? []), 1e-3)).loss).toBe((await plain.run(steps[1] ?? [], 1e-3)).loss);
  });

  it("takes no step twice, and none that was prepared before another or before a restart", async () => {
    const steps = chunks(await demoExamples(8), 8).map((examples) => [examples]);
    const { trainer, pack } = await setUp(steps, { packing: true });
    const batches = pack(steps[0] ?? []);
    const first = trainer.prepare(batches);
    const second = trainer.prepare(batches);
    await expect(trainer.take(first, 1e-3)).rejects.toThrow(/another step was prepared/);
    await trainer.take(second, 1e-3);
    await expect(trainer.take(second, 1e-3)).rejects.toThrow(/another step was prepared/);
    const third = trainer.prepare(batches);
    trainer.restart();
    await expect(trainer.take(third, 1e-3)).rejects.toThrow(/another step was prepared/);
    expect(trainer.steps).toBe(0);
  });

  it("takes no step in which no token carries loss, and goes on with the next", async () => {
    const steps = chunks(await demoExamples(16), 8).map((examples) => [examples]);
    const [first = [], second = []] = steps;
    const plain = await setUp(steps, { packing: true, dropout: 0.1 });
    await plain.run(first, 1e-3);
    const { trainer, parameters, pack, run } = await setUp(steps, { packing: true, dropout: 0.1 });
    await run(first, 1e-3);
    const silent = first.map((examples) =>
      examples.map(({ input_ids }) => ({ input_ids, labels: input_ids.map(() => -100) })),
    );
    const prepared = trainer.prepare(pack(silent));
    await expect(trainer.take(prepared, 1e-3)).rejects.toThrow(/no token that carries loss.*optimiser step 2/s);
    expect(trainer.steps).toBe(1);
    expect((await run(second, 1e-3)).loss).toBe((await plain.run(second, 1e-3)).loss);
    expect(await parameters.readAll("values")).toEqual(await plain.parameters.readAll("values"));
  });

  it("keeps the adapter from before a step whose loss is not finite", async () => {
    const steps = chunks(await demoExamples(8), 8).map((examples) => [examples]);
    const { run, parameters, modules } = await setUp(steps, { packing: true });
    await run(steps[0] ?? [], 1e-3);
    const [first] = modules;
    const A = (await parameters.readAll("values")).get(first?.a ?? "");
    if (!first || !A) throw new Error("no module");
    parameters.write(
      "values",
      first.a,
      A.map((value, index) => (index === 3 ? Number.NaN : value)),
    );
    const poisoned = await parameters.readAll("values");
    await expect(run(steps[0] ?? [], 1e-3)).rejects.toThrow(/optimiser step 2.*learning_rate/s);
    expect(await parameters.readAll("values")).toEqual(poisoned);
  });
});
