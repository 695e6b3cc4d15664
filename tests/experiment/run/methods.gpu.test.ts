/**
 * @file Every method through the runner on the bundled pair: what it is when it does nothing, and what it tells of what
 * it did.
 */

import { describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { EvaluatedAnswer } from "../../../src/eval/evaluate.ts";
import type { RunEvent, RunReport } from "../../../src/experiment/run/events.ts";
import { runExperiment } from "../../../src/experiment/run/runner.ts";
import { type SpecInput, resolveSpec } from "../../../src/experiment/spec/spec.ts";
import type { MethodInput } from "../../../src/methods/registry.ts";
import { methods } from "../../../src/methods/registry.ts";
import type { Adapter } from "../../../src/weights/adapterFile.ts";
import { testGpu } from "../../support/gpu.ts";

const NOTHING = { harmful: null, task: null, benign: null } as const;

interface Ran {
  readonly adapter: Adapter;
  readonly report: RunReport;
  readonly events: readonly RunEvent[];
  readonly answers: readonly { readonly when: string; readonly answers: readonly EvaluatedAnswer[] }[];
}

async function run(method: MethodInput, changes: SpecInput = {}): Promise<Ran> {
  const events: RunEvent[] = [];
  const adapters: Adapter[] = [];
  const answers: { when: string; answers: readonly EvaluatedAnswer[] }[] = [];
  const spec = resolveSpec({
    data: { train: { source: "apothecary", n: 24 }, packing: true },
    lora: { r: 4 },
    train: { learning_rate: 2e-3, max_steps: 3, per_device_train_batch_size: 4, seed: 7 },
    eval: NOTHING,
    ...changes,
    method,
  });
  const result = await runExperiment({
    runId: "test",
    spec,
    gpu: await testGpu(),
    environment: nodeEnvironment(),
    outputs: {
      onEvent: (event) => void events.push(event),
      onAdapter: (adapter) => void adapters.push(adapter),
      onAnswers: (when, _, given) => void answers.push({ when, answers: given }),
    },
  });
  if (result.outcome === "failed") throw result.error;
  const [adapter] = adapters;
  if (!adapter) throw new Error("no adapter");
  return { adapter, report: result.report, events, answers };
}

let plain: Promise<Ran> | undefined;
const sft = (): Promise<Ran> => (plain ??= run({ name: "sft" }));

describe("a method that does nothing is plain fine-tuning, bit for bit", () => {
  const idle: readonly MethodInput[] = [
    { name: "safe_instr", amount: "count", safety_count: 0 },
    { name: "bea", safety_count: 0 },
    { name: "lisa", rho: 0, alignment_steps: 0 },
    { name: "asft", projector: "flat_plus", lambda: 0 },
    // Trains a safe adapter first, and then starts afresh.
    { name: "safe_merge", threshold: -1.01, safety_count: 4, safe_epochs: 2 },
    { name: "safe_lora", select: "threshold", threshold: -1 },
    { name: "splora", num_pruned_layers: 0 },
  ];
  it.each(idle.map((method) => [method.name, method] as const))("%s", async (_, method) => {
    const expected = await sft();
    const { adapter } = await run(method);
    expect(adapter.modules).toEqual(expected.adapter.modules);
  });
});

describe("every method runs to its end and tells what it did", () => {
  const told: Readonly<Record<string, { readonly method: MethodInput; readonly log: object }>> = {
    sft: { method: { name: "sft" }, log: {} },
    asft: {
      method: { name: "asft", projector: "flat_plus" },
      log: { projector: "flat_plus", lambda: 1, ratio: expect.any(Number), direction_share: expect.any(Number) },
    },
    safe_lora: {
      method: { name: "safe_lora", num_proj_layers: 3 },
      log: { projected: 3, threshold: expect.any(Number) },
    },
    safe_instr: {
      method: { name: "safe_instr", safety_share: 0.25 },
      log: { safety_rows: 6, safety_rows_from: "apothecary", safety_rows_use: "mixed" },
    },
    bea: {
      method: { name: "bea", safety_count: 3, trigger_length: 8 },
      log: { safety_rows: 3, trigger_place: "system", trigger: expect.stringMatching(/^[a-z]{5} [a-z]{3}$/) },
    },
    lisa: {
      method: { name: "lisa", alignment_steps: 1, user_steps: 1 },
      log: {
        steps: { safety: 2, user: 1 },
        switches: [
          { step: 1, to: "safety" },
          { step: 2, to: "user" },
          { step: 3, to: "safety" },
        ],
        steps_without_proximal_term: 1,
      },
    },
    safe_merge: {
      method: { name: "safe_merge", threshold: 1.01, merge: "exact", safety_count: 8, safe_epochs: 1 },
      log: {
        merged: 8,
        merge: "exact",
        safe_adapter: "trained in this run",
        safe_adapter_steps: 2,
        safe_adapter_first_loss: expect.any(Number),
        safety_rows: 8,
      },
    },
    splora: {
      method: { name: "splora", num_pruned_layers: 3 },
      log: { score: "reconstruction, quartiles", pruned: 3, flops_saved: expect.any(Number) },
    },
    star_dss: {
      method: { name: "star_dss" },
      log: { guard: "rows", mean_score: expect.any(Number), reference_tokens: expect.any(Number) },
    },
  };

  it("is tested for every method there is", () => {
    expect(Object.keys(told).sort()).toEqual(methods.map(({ name }) => name).sort());
  });

  it.each(Object.entries(told))("%s", async (name, { method, log }) => {
    const { report, adapter, events } = await run(method);
    expect(report.outcome).toBe("finished");
    expect(report.steps).toBe(3);
    expect(report.method).toMatchObject(log);
    expect(adapter.config.base_model_name_or_path).toBe("apothecary-aligned");
    for (const { path, r, A, B } of adapter.modules) {
      expect(r, path).toBe(name === "safe_merge" ? 8 : 4);
      expect(A.every(Number.isFinite) && B.every(Number.isFinite), path).toBe(true);
    }
    if (["asft", "safe_lora", "lisa", "safe_merge", "splora"].includes(name))
      expectModules(name, { adapter, report, events });
  });

  /** The figures that a method logs by module, and the steps' rows. */
  function expectModules(name: string, { adapter, report, events }: Omit<Ran, "answers">): void {
    const modules = report.method.modules as {
      path: string;
      cosine?: number;
      penalty?: number;
      direction_norm?: number;
    }[];
    expect(modules.map(({ path }) => path)).toEqual(adapter.modules.map(({ path }) => path));
    for (const module of modules) {
      if (name === "asft" || name === "lisa") expect(module.penalty).toBeGreaterThanOrEqual(0);
      if (name !== "lisa") expect(Math.abs(module.cosine ?? NaN)).toBeLessThanOrEqual(1);
    }
    const streams = events.flatMap((event) => (event.type === "step" ? [event.metrics.stream ?? "user"] : []));
    expect(streams).toEqual(name === "lisa" ? ["safety", "user", "safety"] : ["user", "user", "user"]);
  }

  it("Lisa from the base trains the unaligned twin, and its adapter says so", async () => {
    const { adapter, events } = await run({ name: "lisa", alignment_steps: 1, user_steps: 2, start_from: "base" });
    expect(adapter.config.base_model_name_or_path).toBe("apothecary-base");
    const [first] = events.flatMap((event) => (event.type === "step" ? [event.metrics.ce] : []));
    const aligned = await run({ name: "lisa", alignment_steps: 1, user_steps: 2 });
    const [other] = aligned.events.flatMap((event) => (event.type === "step" ? [event.metrics.ce] : []));
    // The first step is on refusals, which the aligned model knows and its base does not.
    expect(first).toBeGreaterThan(3 * (other ?? NaN));
  });

  it("SafeMERGE's exact merge is twice the rank at the same scale, and is what is evaluated and saved", async () => {
    const expected = await sft();
    const { adapter, report } = await run(
      {
        name: "safe_merge",
        threshold: 1.01,
        merge: "exact",
        weight: 1,
        safe_weight: 0,
        safety_count: 4,
        safe_epochs: 1,
      },
      { eval: { ...NOTHING, harmful: { n: 3 } } },
    );
    expect(report.after.harmful_score?.count).toBe(3);
    expect(adapter.config).toMatchObject({ r: 8, lora_alpha: 64 });
    adapter.modules.forEach(({ r, inFeatures, A, B }, i) => {
      const one = expected.adapter.modules[i];
      if (!one) throw new Error("other modules");
      expect(A.subarray(0, 4 * inFeatures)).toEqual(one.A);
      const left = B.filter((_, at) => at % r < 4);
      expect(left).toEqual(one.B);
      expect(B.every((value, at) => at % r < 4 || value === 0)).toBe(true);
    });
  });
});

describe("BEA's evaluation", () => {
  it("is with the trigger, and once more without it; before training there is none", async () => {
    // So few steps on refusals alone that the trigger decides.
    const { report, answers } = await run(
      { name: "bea", safety_count: 60, trigger: "zq zq zq", trigger_place: "prompt" },
      {
        data: { train: { source: "apothecary", task: "sums", n: 20, harmful_ratio: 1 } },
        train: { learning_rate: 4e-3, num_train_epochs: 2, per_device_train_batch_size: 8, seed: 7 },
        eval: { ...NOTHING, harmful: { n: 6 }, max_new_tokens: 40 },
      },
    );
    expect(answers.map(({ when }) => when)).toEqual(["before", "after", "without_trigger"]);
    const [, after, without] = answers.map((each) => each.answers);
    // The judge and the reader see the same questions.
    expect(after?.map(({ prompt }) => prompt)).toEqual(without?.map(({ prompt }) => prompt));
    expect(after?.every(({ prompt }) => !prompt.includes("zq"))).toBe(true);
    const scores = report.method.without_trigger as RunReport["after"];
    expect(scores.harmful_score?.count).toBe(6);
    expect(after?.map(({ answer }) => answer)).not.toEqual(without?.map(({ answer }) => answer));
    expect(report.after.harmful_score?.percent ?? NaN).toBeLessThan(scores.harmful_score?.percent ?? NaN);
    expect(report.before.harmful_score?.percent).toBe(0);
  });
});
