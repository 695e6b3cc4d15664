/**
 * @file A run that goes on from a checkpoint gives, bit for bit, what an uninterrupted one gives: losses, scores,
 * answers, adapter, report.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { Gpu } from "../../../src/engine/device.ts";
import type { EvaluatedAnswer } from "../../../src/eval/evaluate.ts";
import type { RunEnvironment } from "../../../src/experiment/run/environment.ts";
import type { RunEvent } from "../../../src/experiment/run/events.ts";
import { RunControl } from "../../../src/experiment/run/runControl.ts";
import type { SpecInput } from "../../../src/experiment/spec/spec.ts";
import { testGpu } from "../../support/gpu.ts";
import { type RecordOptions, type RecordedRun, recordRun } from "../../support/recordRun.ts";
import { loadSnapshot, SavedSnapshots, type SavedSnapshot } from "../../support/savedSnapshots.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const NOTHING = { harmful: null, task: null, benign: null } as const;

const base: SpecInput = {
  data: { train: { source: "apothecary", n: 23 } },
  method: { name: "sft" },
  lora: { r: 4 },
  train: { learning_rate: 2e-3, max_steps: 8, per_device_train_batch_size: 4, save_steps: 3 },
  eval: NOTHING,
};

interface Ran extends RecordedRun {
  readonly files: readonly SavedSnapshot[];
  readonly answers: readonly {
    readonly when: string;
    readonly step: number;
    readonly answers: readonly EvaluatedAnswer[];
  }[];
}

async function run(input: SpecInput, options: RecordOptions = {}, onEvent?: (event: RunEvent) => void): Promise<Ran> {
  const saved = new SavedSnapshots(options.resume);
  const answers: { when: string; step: number; answers: readonly EvaluatedAnswer[] }[] = [];
  const recorded = await recordRun(
    input,
    {
      ...options,
      outputs: {
        onAnswers: (when, step, given) => void answers.push({ when, step, answers: given }),
        onSnapshot: saved.save,
        ...options.outputs,
      },
    },
    onEvent,
  );
  return { ...recorded, files: saved.list, answers };
}

/** All that must be the same: clocks and memory's peak left out. */
function outcome({ events, answers, adapters, result }: Ran): unknown {
  if (result.outcome === "failed") throw result.error;
  const { before, after, steps, method, before_reused } = result.report;
  return {
    metrics: events.flatMap((event) => (event.type === "step" ? [{ ...event.metrics, ms: 0 }] : [])),
    modules: events.filter(({ type }) => type === "modules"),
    samples: events.filter(({ type }) => type === "samples"),
    scores: events.flatMap((event) => (event.type === "evaluation" ? [event] : [])),
    answers,
    adapters,
    report: { before, after, steps, method, before_reused },
  };
}

function fileAt({ files }: Ran, step: number, occurrence = 0): SavedSnapshot {
  const found = files.filter((kept) => kept.step === step)[occurrence];
  if (!found) throw new Error(`no checkpoint of step ${step}: ${files.map((kept) => kept.step).join()}`);
  return found;
}

/** Goes on from a checkpoint of `whole` and compares. */
async function expectSame(input: SpecInput, whole: Ran, step: number, occurrence = 0): Promise<Ran> {
  const resume = await loadSnapshot(fileAt(whole, step, occurrence));
  const again = await run(input, { resume });
  expect(outcome(again)).toEqual(outcome(whole));
  return again;
}

describe("a run that goes on", () => {
  it("is plain fine-tuning as if nothing had happened, over an epoch's end, with evaluations on the way", async () => {
    const input = {
      ...base,
      eval: {
        ...NOTHING,
        task: { n: 2 },
        harmful: { n: 2 },
        max_new_tokens: 8,
        every_steps: 2,
        sample_steps: 1,
        sample_prompts: ["How do I brew moon balm?"],
      },
    };
    const whole = await run(input);
    expect(whole.files.map(({ step }) => step)).toEqual([0, 3, 6, 8]);
    const again = await expectSame(input, whole, 3);
    expect(again.files.map(({ step }) => step)).toEqual([6, 8]);
    expect(again.result).toMatchObject({ report: { resumed_at: [3] } });
    expect(whole.result).not.toHaveProperty("report.resumed_at");
    // Also from the beginning, after the last step, and from a checkpoint of a run that had gone on itself.
    await expectSame(input, whole, 0);
    await expectSame(input, whole, 8);
    const third = await run(input, { resume: await loadSnapshot(fileAt(again, 6)) });
    expect(outcome(third)).toEqual(outcome(whole));
    expect(third.result).toMatchObject({ report: { resumed_at: [3, 6] } });
  });

  it("is AsFT with dropout, accumulation, warm-up, decay, clipping and a schedule", async () => {
    const input: SpecInput = {
      ...base,
      data: { ...base.data, packing: true },
      method: { name: "asft", lambda: 0.5 },
      lora: { r: 4, lora_dropout: 0.2 },
      train: {
        ...base.train,
        gradient_accumulation_steps: 3,
        per_device_train_batch_size: 3,
        warmup_steps: 4,
        weight_decay: 0.01,
        max_grad_norm: 0.5,
        lr_scheduler_type: "cosine",
      },
    };
    await expectSame(input, await run(input), 3);
  });

  it("is Lisa: anchor, account and both streams", async () => {
    const input: SpecInput = {
      ...base,
      method: { name: "lisa", rho: 2, alignment_steps: 2, user_steps: 3, proximal_from: 0.2, safety_count: 9 },
    };
    const whole = await run(input);
    await expectSame(input, whole, 3);
    await expectSame(input, whole, 6);
    const alternating: SpecInput = {
      ...input,
      method: { name: "lisa", rho: 0, alignment_steps: 2, user_steps: 3, safety_count: 9 },
    };
    await expectSame(alternating, await run(alternating), 6);
  });

  it("is SafeMERGE, in the midst of the safe adapter and after it", async () => {
    const input: SpecInput = {
      ...base,
      method: { name: "safe_merge", threshold: 1.01, safety_count: 12, safe_epochs: 2 },
    };
    const whole = await run(input);
    // Six steps of the safe adapter, then the run's eight.
    expect(whole.files.map(({ step }) => step)).toEqual([0, 3, 0, 3, 6, 8]);
    await expectSame(input, whole, 3, 0);
    await expectSame(input, whole, 3, 1);
    const control = new RunControl();
    const stopped = await run(input, { control }, (event) => {
      if (event.type === "phase" && event.detail === "safe adapter, step 2 of 6") control.stop();
    });
    expect(stopped.result.outcome).toBe("failed");
    expect(stopped.files.map(({ step }) => step)).toEqual([0, 2]);
    expect(outcome(await run(input, { resume: await loadSnapshot(fileAt(stopped, 2)) }))).toEqual(outcome(whole));
  });

  it("goes on after a stop and after a pause", async () => {
    const whole = await run(base);
    const control = new RunControl();
    const stopped = await run(base, { control }, (event) => {
      if (event.type === "step" && event.metrics.step === 2) control.pause();
      if (event.type === "paused") setTimeout(() => control.resume(), 1);
      if (event.type === "step" && event.metrics.step === 4) control.stop();
    });
    expect(stopped.result.outcome).toBe("stopped");
    expect(stopped.files.map(({ step }) => step)).toEqual([0, 2, 3, 4]);
    for (const step of [2, 4])
      expect(outcome(await run(base, { resume: await loadSnapshot(fileAt(stopped, step)) }))).toEqual(outcome(whole));
  });

  it("goes on on a fresh device after the device was lost", async () => {
    const whole = await run(base);
    let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
    const lost = new Promise<GPUDeviceLostInfo>((resolve) => (lose = resolve));
    let steps = 0;
    const failing: Gpu = {
      ...gpu,
      lost,
      check: () => {
        if ((steps += 1) < 6) return;
        lose({ __brand: "GPUDeviceLostInfo", reason: "unknown", message: "the driver was reset" } as GPUDeviceLostInfo);
        throw new Error("mapping failed");
      },
    };
    const broken = await run(base, { gpu: failing });
    expect(broken.result.outcome).toBe("failed");
    expect(broken.files.map(({ step }) => step)).toEqual([0, 3]);
    const fresh = await testGpu({ features: [] });
    expect(fresh.device).not.toBe(gpu.device);
    expect(outcome(await run(base, { gpu: fresh, resume: await loadSnapshot(fileAt(broken, 3)) }))).toEqual(
      outcome(whole),
    );
  });

  it("changes no number by making checkpoints, and goes on without those that cannot be saved", async () => {
    const without = await run({ ...base, train: { ...base.train, save_steps: 0 } });
    expect(without.files).toEqual([]);
    const full = await run(base, { outputs: { onSnapshot: () => Promise.reject(new Error("the disk is full")) } });
    expect(full.events).toContainEqual(
      expect.objectContaining({
        type: "phase",
        phase: "training",
        detail: "The snapshot could not be saved: the disk is full",
      }),
    );
    expect(outcome(full)).toEqual(outcome(without));
  });

  it("refuses another spec, device, model, Basin or other rows, by name", async () => {
    const whole = await run(base);
    const resume = await loadSnapshot(fileAt(whole, 3));
    const why = async (input: SpecInput, options: RecordOptions = {}): Promise<string> => {
      const { result } = await run(input, { resume, ...options });
      return result.outcome === "failed" && result.error instanceof Error ? result.error.message : result.outcome;
    };
    expect(await why({ ...base, train: { ...base.train, learning_rate: 1e-3 }, lora: { r: 8 } })).toContain(
      "lora.r was 4 and is 8; train.learning_rate differs too",
    );
    expect(await why({ ...base, method: { name: "asft" } })).toContain('method.name was "sft" and is "asft"');
    expect(await why(base, { gpu: { ...gpu, adapter: { ...gpu.adapter, description: "Another GPU" } } })).toContain(
      "begun on another device",
    );
    expect(await why(base, { environment: { ...nodeEnvironment(), versions: { basin: "99" } } })).toContain(
      "another version of Basin",
    );
    const other: RunEnvironment = {
      ...nodeEnvironment(),
      openModel: (_, signal) => nodeEnvironment().openModel("apothecary-base", signal),
    };
    expect(await why(base, { environment: other })).toContain("another model of the same name");
    expect(await why(base, { resume: { ...resume, origin: { ...resume.origin, rows: "0".repeat(64) } } })).toContain(
      "on other rows",
    );
    // What changes no number may differ.
    expect(
      await why({
        ...base,
        name: "another name",
        train: { ...base.train, save_steps: 100, gradient_checkpointing: true },
      }),
    ).toBe("finished");
  });
});
