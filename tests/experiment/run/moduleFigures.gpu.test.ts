/** @file What a run on a device tells of each module, against f64 references on the bundled pair. */
import { describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { RunEvent } from "../../../src/experiment/run/events.ts";
import { runExperiment } from "../../../src/experiment/run/runner.ts";
import { resolveSpec, type SpecInput } from "../../../src/experiment/spec/spec.ts";
import { readDifference } from "../../../src/methods/direction/weightDifference.ts";
import { encodeAdapter, type Adapter } from "../../../src/weights/adapterFile.ts";
import { openDemo } from "../../support/demo.ts";
import { testGpu } from "../../support/gpu.ts";
import { matrix, multiply, naivePenalty, normOf } from "../../methods/reference.ts";

const base: SpecInput = {
  data: { train: { source: "apothecary", n: 12 } },
  train: { learning_rate: 2e-3, max_steps: 3, per_device_train_batch_size: 4 },
  eval: { harmful: null, task: null, benign: null },
};

async function run(
  input: SpecInput,
  start?: Adapter,
): Promise<{ readonly adapter: Adapter; readonly events: readonly RunEvent[] }> {
  const events: RunEvent[] = [];
  let adapter: Adapter | undefined;
  const environment = nodeEnvironment();
  if (start) environment.readAdapter = () => Promise.resolve(encodeAdapter(start));
  const result = await runExperiment({
    runId: "test",
    spec: resolveSpec(input),
    gpu: await testGpu(),
    environment,
    outputs: { onEvent: (event) => void events.push(event), onAdapter: (trained) => void (adapter = trained) },
  });
  if (result.outcome === "failed") throw result.error;
  if (!adapter) throw new Error("no adapter");
  return { adapter, events };
}

function told(events: readonly RunEvent[]): Extract<RunEvent, { type: "modules" }>[] {
  return events.filter((event) => event.type === "modules");
}

describe("a run's figures of each module", () => {
  it("SFT reports ‖B·A‖ of its adapter; AsFT the penalty of each matrix, which add up to the step's", async () => {
    const { adapter, events } = await run({ ...base, method: { name: "sft" } });
    const columns = told(events);
    expect(columns.map(({ column }) => column.step)).toEqual([1, 2, 3]);
    const last = columns.at(-1);
    expect(last?.quantity).toBe("update_norm");
    adapter.modules.forEach(({ path, A, B, r, inFeatures, outFeatures }) => {
      const expected = normOf(multiply(matrix(outFeatures, r, B), matrix(r, inFeatures, A)));
      const value = last?.column.values[last.paths.indexOf(path)] ?? NaN;
      expect(Math.abs(value / expected - 1), path).toBeLessThan(1e-8);
    });

    // The first step's penalty is that of the adapter it starts from.
    const anchored = await run(
      {
        ...base,
        lora: { init_adapter: "kept" },
        method: { name: "asft", lambda: 2 },
        train: { ...base.train, max_steps: 2 },
      },
      adapter,
    );
    const [first, second] = told(anchored.events);
    expect([first?.quantity, first?.column.step]).toEqual(["penalty", 1]);
    const [aligned, unaligned] = [await openDemo("apothecary-aligned"), await openDemo("apothecary-base")];
    for (const { path, A, B, r, inFeatures, outFeatures } of adapter.modules) {
      const v = matrix(
        outFeatures,
        inFeatures,
        await readDifference({ path, outFeatures, inFeatures }, { aligned, unaligned }),
      );
      const expected = naivePenalty({
        projector: "safe_lora",
        v,
        a: matrix(r, inFeatures, A),
        b: matrix(outFeatures, r, B),
        s: 1,
      });
      const value = first?.column.values[first.paths.indexOf(path)] ?? NaN;
      expect(Math.abs(value / expected - 1), path).toBeLessThan(1e-5);
    }
    const penalties = anchored.events.flatMap((event) => (event.type === "step" ? [event.metrics.penalty] : []));
    [first, second].forEach((column, i) => {
      const sum = column?.column.values.reduce((total, value) => total + value, 0) ?? NaN;
      expect(Math.abs(sum / (penalties[i] ?? NaN) - 1)).toBeLessThan(1e-6);
    });
  });
});
