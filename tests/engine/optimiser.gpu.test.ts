/** @file AdamW, gradient norm and clipping against torch's own numbers (python/fixtures/optimiser.py). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { STATS } from "../../src/engine/batchScalars.ts";
import { type Gpu, createBuffer } from "../../src/engine/device.ts";
import {
  OPTIMISER_SCALARS,
  encodeOptimiserScalars,
  optimiserDispatches,
  partialSumBytes,
} from "../../src/engine/optimiser.ts";
import { type ParameterLayout, ParameterStore, layoutParameters } from "../../src/engine/parameters.ts";
import { Program } from "../../src/engine/program.ts";
import { readStorage } from "../../src/engine/storage.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, relativeError } from "../support/numeric.ts";

interface Case {
  readonly name: string;
  readonly settings: {
    readonly learning_rate: number;
    readonly adam_beta1: number;
    readonly adam_beta2: number;
    readonly adam_epsilon: number;
    readonly weight_decay: number;
    readonly max_grad_norm: number;
  };
  readonly shapes: readonly (readonly number[])[];
  readonly initial: readonly (readonly number[])[];
  readonly gradients: readonly (readonly (readonly number[])[])[];
  readonly norms: readonly number[];
  readonly values: readonly (readonly (readonly number[])[])[];
  readonly moment1: readonly (readonly number[])[];
  readonly moment2: readonly (readonly number[])[];
}

const golden = JSON.parse(readFileSync(new URL("../fixtures/optimiser.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

interface Bench {
  readonly store: ParameterStore;
  step(scalars: Parameters<typeof encodeOptimiserScalars>[0]): Promise<number>;
  destroy(): void;
}

async function bench(gpu: Gpu, layout: ParameterLayout, clip: boolean): Promise<Bench> {
  const store = await ParameterStore.create(gpu, layout);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const view = async (floats: number): Promise<{ buffer: GPUBuffer; offset: number; size: number }> => ({
    buffer: await createBuffer(gpu, 4 * floats, usage, "test"),
    offset: 0,
    size: 4 * floats,
  });
  const scalars = await view(OPTIMISER_SCALARS);
  const stats = await view(STATS.modules + 1);
  const partial = await view(partialSumBytes(store) / 4);
  const program = await Program.fromDispatches(gpu, optimiserDispatches(store, { scalars, stats, partial, clip }));
  return {
    store,
    step: async (settings) => {
      gpu.device.queue.writeBuffer(scalars.buffer, 0, encodeOptimiserScalars(settings));
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      program.record(pass);
      pass.end();
      gpu.device.queue.submit([encoder.finish()]);
      const read = new Float32Array(await readStorage(gpu, { parts: [{ row: 0, rows: 1, view: stats }] }));
      gpu.check();
      return Math.sqrt(read[STATS.gradientNormSquared] ?? Number.NaN);
    },
    destroy: () => {
      program.destroy();
      store.destroy();
      scalars.buffer.destroy();
      stats.buffer.destroy();
      partial.buffer.destroy();
    },
  };
}

describe("AdamW", () => {
  // 256 bytes per binding make every tensor a range of its own.
  for (const [where, options] of [
    ["one range", {}],
    ["many ranges", { maxBinding: 256, maxGroups: 3 }],
  ] as const) {
    for (const { name, settings, shapes, initial, gradients, norms, values, moment1, moment2 } of golden.cases) {
      it(`gives torch's numbers: ${name} (${where})`, async () => {
        const gpu = await testGpu(options);
        const names = shapes.map((_, i) => `tensor ${i}`);
        const { store, step, destroy } = await bench(
          gpu,
          layoutParameters(shapes.map((shape, i) => ({ name: `tensor ${i}`, shape }))),
          settings.max_grad_norm > 0,
        );
        const all = async (which: "values" | "moment1" | "moment2"): Promise<number[]> => {
          const read = await store.readAll(which);
          return names.flatMap((tensor) => [...(read.get(tensor) ?? [])]);
        };
        names.forEach((tensor, i) => store.write("values", tensor, Float32Array.from(initial[i] ?? [])));
        for (const [index, arrived] of gradients.entries()) {
          names.forEach((tensor, i) => store.write("gradients", tensor, Float32Array.from(arrived[i] ?? [])));
          const norm = await step({ ...settings, step: index + 1 });
          expect(Math.abs(norm - (norms[index] ?? 0))).toBeLessThanOrEqual(1e-6 * (norms[index] ?? 0));
          const expected = values[index]?.flat() ?? [];
          expect(relativeError(await all("values"), expected)).toBeLessThan(3e-7);
        }
        expect(relativeError(await all("moment1"), moment1.flat())).toBeLessThan(1e-6);
        expect(relativeError(await all("moment2"), moment2.flat())).toBeLessThan(1e-6);
        destroy();
      });
    }
  }

  it("adds up the norm of a million gradients, the same in every run", async () => {
    const gpu = await testGpu();
    const count = 1_000_003;
    const layout = layoutParameters([{ name: "large", shape: [count] }]);
    const { store, step, destroy } = await bench(gpu, layout, false);
    const gradient = normal(count, 5);
    store.write("gradients", "large", gradient);
    const settings = {
      learning_rate: 1e-3,
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
      weight_decay: 0,
      max_grad_norm: 0,
      step: 1,
    };
    const norm = await step(settings);
    const exact = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
    expect(Math.abs(norm / exact - 1)).toBeLessThan(1e-6);
    expect(await step(settings)).toBe(norm);
    destroy();
  });
});
