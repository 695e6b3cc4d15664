/** @file The runner: order of events, pausing and stopping, a lost device, and the memory it states. */

import { beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { Gpu } from "../../../src/engine/device.ts";
import { BasinError } from "../../../src/base/error.ts";
import type { RunEvent } from "../../../src/experiment/run/events.ts";
import { RunControl } from "../../../src/experiment/run/runControl.ts";
import type { SpecInput } from "../../../src/experiment/spec/spec.ts";
import { testGpu } from "../../support/gpu.ts";
import { recordRun } from "../../support/recordRun.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const small: SpecInput = {
  data: { train: { source: "apothecary", n: 40 } },
  method: { name: "sft" },
  train: { learning_rate: 5e-4, max_steps: 6, per_device_train_batch_size: 4 },
  eval: { harmful: null, task: null, benign: null },
};

function types(events: readonly RunEvent[]): string[] {
  // Told beside (moduleFigures.gpu.test.ts, runSamples.gpu.test.ts).
  return events
    .filter(({ type }) => type !== "modules" && type !== "samples")
    .map((event) => (event.type === "phase" ? event.phase : event.type))
    .filter((type, i, all) => type !== all[i - 1]);
}

describe("runner", () => {
  it("trains on quantised weights, tells each matrix's error and states their bytes", async () => {
    const stored = await recordRun({ ...small, train: { ...small.train, max_steps: 1 } });
    const plain = stored.events.find((event) => event.type === "plan")?.memory.weights ?? NaN;
    for (const [quantization, double, bits] of [
      ["int8", false, 8],
      ["nf4", true, 4],
    ] as const) {
      const { events, result } = await recordRun({
        ...small,
        model: { quantization, bnb_4bit_use_double_quant: double },
        train: { ...small.train, max_steps: 2 },
      });
      expect(types(events)).toEqual([
        "loading",
        "plan",
        "loading",
        "quantised",
        "preparing",
        "compiling",
        "training",
        "step",
        "saving",
        "finished",
      ]);
      if (result.outcome === "failed") throw result.error;
      const { quantization: report, memory } = result.report;
      expect(report?.tensors.map(({ tensor }) => tensor)).toContain("model.layers.3.mlp.down_proj.weight");
      expect(report?.tensors).toHaveLength(28);
      expect(report?.mean_relative_error).toBeGreaterThan(bits === 8 ? 0.004 : 0.07);
      expect(report?.worst.relative_error).toBeLessThan(bits === 8 ? 0.01 : 0.11);
      // The layers' 4 x 196,608 elements take `bits` instead of 16, and their scales.
      const packed = report?.tensors.reduce((sum, { bytes }) => sum + bytes, 0) ?? NaN;
      expect(plain - memory.planned.weights).toBe(2 * 4 * 196_608 - packed);
      expect(packed).toBeLessThan(((bits + 1.1) / 8) * 4 * 196_608);
    }
  });

  it("tells the phases in order and states the memory before it allocates", async () => {
    const { events, adapters, result } = await recordRun({
      ...small,
      method: { name: "asft", lambda: 1 },
      train: { ...small.train, max_steps: 2 },
      eval: { harmful: { n: 2 }, task: null, benign: null },
    });
    expect(types(events)).toEqual([
      "loading",
      "plan",
      "loading",
      "preparing",
      "evaluating_before",
      "evaluation",
      "compiling",
      "training",
      "step",
      "evaluating_after",
      "evaluation",
      "saving",
      "finished",
    ]);
    expect(result.outcome).toBe("finished");
    expect(adapters).toHaveLength(1);
    const plan = events.find((event) => event.type === "plan");
    const { memory } = plan ?? { memory: undefined };
    expect(memory?.weights).toBeGreaterThan(1e6);
    expect(memory?.anchor).toBeGreaterThan(0);
    expect(memory?.total).toBe(
      Object.entries(memory ?? {}).reduce((sum, [part, bytes]) => sum + (part === "total" ? 0 : bytes), 0),
    );
  });

  it("pauses between steps, goes on, and stops with what it has", async () => {
    const control = new RunControl();
    const { events, result } = await recordRun(small, { control }, (event) => {
      if (event.type === "step" && event.metrics.step === 2) control.pause();
      if (event.type === "paused") setTimeout(() => control.resume(), 20);
      if (event.type === "step" && event.metrics.step === 4) control.stop();
    });
    expect(types(events).filter((type) => !["loading", "preparing", "compiling", "plan"].includes(type))).toEqual([
      "training",
      "step",
      "paused",
      "resumed",
      "step",
      "saving",
      "finished",
    ]);
    expect(result.outcome).toBe("stopped");
    expect(events.filter(({ type }) => type === "step")).toHaveLength(4);
  });

  it("trains the same with a pause as without", async () => {
    const plain = await recordRun(small);
    const control = new RunControl();
    const paused = await recordRun(small, { control }, (event) => {
      if (event.type === "step" && event.metrics.step === 3) control.pause();
      if (event.type === "paused") setTimeout(() => control.resume(), 5);
    });
    expect(paused.adapters[0]?.modules).toEqual(plain.adapters[0]?.modules);
  });

  it("stopped before its first step, has nothing to keep", async () => {
    const control = new RunControl();
    const { adapters, events, result } = await recordRun(small, { control }, (event) => {
      if (event.type === "plan") control.stop();
    });
    expect(result).toMatchObject({ outcome: "failed", adapterKept: false });
    expect(adapters).toHaveLength(0);
    expect(events.at(-1)).toMatchObject({
      type: "failed",
      failure: { what: "The run was stopped before its first step" },
    });
  });

  it("keeps the adapter from before a step whose loss is not a number", async () => {
    const { adapters, events, result } = await recordRun({
      ...small,
      train: { ...small.train, learning_rate: 1e12, max_steps: 30 },
    });
    expect(result).toMatchObject({ outcome: "failed", adapterKept: true });
    expect(events.at(-1)).toMatchObject({ type: "failed", adapterKept: true });
    const values = adapters[0]?.modules.flatMap(({ A, B }) => [...A, ...B]) ?? [];
    expect(values.length).toBeGreaterThan(0);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it("says that the device was lost, with the copy of the adapter that the host took", async () => {
    let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
    const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
      lose = resolve;
    });
    let now = 0;
    const environment = { ...nodeEnvironment(), now: () => (now += 30_000) }; // every step is old enough for a copy
    let submits = 0;
    const failing: Gpu = {
      ...gpu,
      lost,
      check: () => {
        submits += 1;
        if (submits < 4) return;
        lose({ __brand: "GPUDeviceLostInfo", reason: "unknown", message: "the driver was reset" } as GPUDeviceLostInfo);
        throw new Error("mapping failed");
      },
    };
    const { adapters, events, result } = await recordRun(small, { gpu: failing, environment });
    expect(result).toMatchObject({ outcome: "failed", adapterKept: true });
    expect(result.outcome === "failed" && result.error instanceof BasinError ? result.error.what : "").toContain(
      "the driver was reset",
    );
    expect(events.at(-1)).toMatchObject({
      type: "failed",
      failure: { what: expect.stringContaining("lost") as string },
    });
    expect(adapters).toHaveLength(1);
  });

  it("says which buffer the device does not allow, before anything is loaded, and what to lower", async () => {
    const { events } = await recordRun(small, { gpu: { ...gpu, maxBuffer: 150_000 } });
    expect(events.some(({ type }) => type === "step")).toBe(false);
    const last = events.at(-1);
    expect(last).toMatchObject({ type: "failed", adapterKept: false });
    const failure = last?.type === "failed" ? last.failure : undefined;
    expect(failure).toMatchObject({
      where: "memory plan",
      what: "The run needs a buffer of 0.2 MiB, and this device allows 0.1 MiB",
    });
    expect(failure?.fix).toMatch(/^What would lower it: |^Choose a smaller model/);
  });

  it("refuses a pair of different shapes before it loads anything", async () => {
    const environment = nodeEnvironment();
    const { events, result } = await recordRun(
      { ...small, method: { name: "asft", lambda: 1 } },
      {
        environment: {
          ...environment,
          openModel: async (name) => {
            const checkpoint = await environment.openModel(name);
            if (name !== "apothecary-base") return checkpoint;
            const tensors = new Map(
              [...checkpoint.tensors].map(([key, info]) => [
                key,
                key.endsWith("v_proj.weight") ? { ...info, shape: [32, 128] } : info,
              ]),
            );
            return { ...checkpoint, tensors };
          },
        },
      },
    );
    expect(result.outcome).toBe("failed");
    expect(events.at(-1)).toMatchObject({
      type: "failed",
      failure: { where: expect.stringContaining("v_proj") as string },
    });
    expect(events.some(({ type }) => type === "step")).toBe(false);
  });
});
