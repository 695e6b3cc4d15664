/** @file A new method, one file and one line, trains: its stages are executed and its log is in the report. */
import { expect, it, vi } from "vitest";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import type * as Methods from "../../src/methods/list.ts";
import type { Adapter } from "../../src/weights/adapterFile.ts";
import { testGpu } from "../support/gpu.ts";

vi.mock("../../src/methods/list.ts", async (original) => {
  const { METHODS } = await original<typeof Methods>();
  const { shrink } = await import("./trivialMethod.ts");
  return { METHODS: [...METHODS, shrink] };
});

const { resolveSpec } = await import("../../src/experiment/spec/spec.ts");
const { runExperiment } = await import("../../src/experiment/run/runner.ts");

async function adapterOf(method: object): Promise<{ readonly adapter: Adapter; readonly log: object }> {
  const document: unknown = {
    data: { train: { source: "apothecary", n: 16 } },
    lora: { r: 2 },
    train: { learning_rate: 2e-3, max_steps: 2, per_device_train_batch_size: 4, seed: 7 },
    eval: { harmful: null, task: null, benign: null },
    method,
  };
  const adapters: Adapter[] = [];
  const result = await runExperiment({
    runId: "test",
    spec: resolveSpec(document),
    gpu: await testGpu(),
    environment: nodeEnvironment(),
    outputs: { onEvent: () => undefined, onAdapter: (given) => void adapters.push(given) },
  });
  if (result.outcome === "failed") throw result.error;
  const [adapter] = adapters;
  if (!adapter) throw new Error("no adapter");
  return { adapter, log: result.report.method };
}

it("edits the trained adapter, and says what it did", async () => {
  const plain = await adapterOf({ name: "sft" });
  const { adapter, log } = await adapterOf({ name: "shrink", factor: 0.5 });
  expect(adapter.modules.map(({ A }) => A)).toEqual(plain.adapter.modules.map(({ A }) => A));
  expect(adapter.modules.map(({ B }) => B)).toEqual(plain.adapter.modules.map(({ B }) => B.map((value) => value / 2)));
  expect(adapter.modules.some(({ B }) => B.some((value) => value !== 0))).toBe(true);
  expect(log).toMatchObject({ factor: 0.5 });
});
