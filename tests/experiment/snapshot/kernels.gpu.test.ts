/**
 * @file A run keeps the kernels that it began with: after an interruption, whatever was measured meanwhile, and when it
 * is repeated.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { Gpu } from "../../../src/engine/device.ts";
import { problemKey } from "../../../src/engine/routing/problem.ts";
import { type RouteTable, Router } from "../../../src/engine/routing/router.ts";
import type { RunReport, StepMetrics } from "../../../src/experiment/run/events.ts";
import type { RunOptions } from "../../../src/experiment/run/runOptions.ts";
import { runExperiment } from "../../../src/experiment/run/runner.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import type { Adapter } from "../../../src/weights/adapterFile.ts";
import { testGpu } from "../../support/gpu.ts";
import { loadSnapshot, SavedSnapshots, type SavedSnapshot } from "../../support/savedSnapshots.ts";

const spec = resolveSpec({
  data: { train: { source: "apothecary", n: 16 } },
  method: { name: "sft" },
  lora: { r: 4 },
  train: { learning_rate: 2e-3, max_steps: 3, per_device_train_batch_size: 4, save_steps: 2 },
  eval: { harmful: null, task: { n: 1 }, benign: null, max_new_tokens: 2, sample_steps: 0 },
});

interface Ran {
  /** What the kernels decide, to the last bit. */
  readonly numbers: {
    readonly steps: readonly StepMetrics[];
    readonly adapter: Adapter | undefined;
    readonly after: unknown;
  };
  readonly kernels: NonNullable<RunReport["kernels"]>;
  readonly files: readonly SavedSnapshot[];
}

/** On a device that has measured `known`. */
async function run(known: RouteTable, options: Partial<RunOptions> = {}): Promise<Ran> {
  const gpu = await deviceWith(known);
  const steps: StepMetrics[] = [];
  const adapters: Adapter[] = [];
  const saved = new SavedSnapshots(options.resume);
  const result = await runExperiment({
    runId: "test",
    spec,
    gpu,
    environment: nodeEnvironment(),
    outputs: {
      onEvent: (event) => {
        if (event.type === "step") steps.push({ ...event.metrics, ms: 0 });
        // What is measured while a run is under way is for the next one.
        if (event.type === "step" && event.metrics.step === 1) gpu.router.load(other);
      },
      onAdapter: (adapter) => void adapters.push(adapter),
      onSnapshot: saved.save,
    },
    reuse: { measureKernelsMs: 0 },
    ...options,
  });
  if (result.outcome === "failed") throw result.error;
  const { kernels, after } = result.report;
  if (kernels === undefined) throw new Error("the report does not say which kernels were used");
  return { numbers: { steps, adapter: adapters[0], after }, kernels, files: saved.list };
}

async function deviceWith(known: RouteTable): Promise<Gpu> {
  const gpu = { ...(await testGpu()), router: new Router() };
  gpu.router.load(known);
  return gpu;
}

/** Kernels that add up in another order than the built-in ones. */
let other: RouteTable = {};
let builtIn: Ran;
let measured: Ran;
beforeAll(async () => {
  const gpu = await deviceWith({});
  builtIn = await run({}, { gpu });
  // Of the skinny products: a large tile takes a processor long.
  const skinny = gpu.router.pending.filter(({ problem: { form } }) => form !== "nt" && form !== "nn");
  other = Object.fromEntries(
    skinny.map(({ problem, candidates: [first] }) => [
      problemKey(problem),
      { problem, kernel: first === "shared" ? "register" : "shared", ms: {} },
    ]),
  );
  measured = await run(other);
});

async function from({ files }: Ran, step: number): Promise<Pick<RunOptions, "resume">> {
  const file = files.find((one) => one.step === step);
  if (file === undefined) throw new Error(`no checkpoint of step ${step}`);
  return { resume: await loadSnapshot(file) };
}

describe("the kernels of a run", () => {
  it("change its last digits and nothing more, and its report tells which they were", () => {
    expect(measured.kernels.digest).not.toBe(builtIn.kernels.digest);
    expect(builtIn.kernels.measured).toEqual({});
    expect(Object.keys(measured.kernels.measured).length).toBeGreaterThan(3);
    expect(measured.numbers).not.toEqual(builtIn.numbers);
    for (const [i, { ce }] of measured.numbers.steps.entries())
      expect(Math.abs(ce - (builtIn.numbers.steps[i]?.ce ?? Number.NaN))).toBeLessThan(1e-4);
  });

  it("are those of its checkpoint when it goes on, though the device has measured others by then", async () => {
    const resumed = await run(other, await from(builtIn, 2));
    expect(resumed.numbers).toEqual(builtIn.numbers);
    expect(resumed.kernels.digest).toBe(builtIn.kernels.digest);
    const forgotten = await run({}, await from(measured, 2));
    expect(forgotten.numbers).toEqual(measured.numbers);
    expect(forgotten.kernels).toEqual(measured.kernels);
  });

  it("repeat an earlier run's numbers where they are given", async () => {
    const again = await run({}, { reuse: { kernels: measured.kernels.measured } });
    expect(again.numbers).toEqual(measured.numbers);
    expect(again.kernels).toEqual(measured.kernels);
  });
});
