/** @file STAR-DSS through the runner: what it is at the ends of its scores, and that its cached references resume. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import type { StepMetrics } from "../../src/experiment/run/events.ts";
import { RunControl } from "../../src/experiment/run/runControl.ts";
import type { RunOutputs, RunResult } from "../../src/experiment/run/runOptions.ts";
import { runExperiment } from "../../src/experiment/run/runner.ts";
import type { RunSnapshot } from "../../src/experiment/snapshot/runSnapshot.ts";
import { type SpecInput, resolveSpec } from "../../src/experiment/spec/spec.ts";
import type { MethodInput } from "../../src/methods/registry.ts";
import type { AdapterModule } from "../../src/weights/adapterFile.ts";
import { testGpu } from "../support/gpu.ts";
import { SavedSnapshots, loadSnapshot } from "../support/savedSnapshots.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures", import.meta.url));

interface Row {
  readonly input_ids: readonly number[];
  readonly labels: readonly number[];
  readonly safety_scores: readonly number[];
}
const scored = (await readFile(`${FIXTURES}/methods/star-llama-tied.jsonl`, "utf8"))
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Row);

function specOf(rows: readonly object[], method: MethodInput, changes: SpecInput = {}): SpecInput {
  return {
    model: { aligned: "golden/llama-tied/aligned" },
    data: {
      train: { source: "text", text: rows.map((row) => JSON.stringify(row)).join("\n"), format: "tokens" },
      packing: true,
    },
    lora: { r: 4, lora_alpha: 16, target_modules: ["q_proj", "v_proj"] },
    train: { learning_rate: 5e-3, max_steps: 6, per_device_train_batch_size: 4, seed: 1, save_steps: 100 },
    eval: { harmful: null, task: null, benign: null },
    ...changes,
    method,
  };
}

interface Trained {
  readonly result: RunResult;
  readonly steps: readonly StepMetrics[];
  readonly modules: readonly AdapterModule[];
  readonly saved: SavedSnapshots;
}

interface Options {
  readonly onEvent?: (event: Parameters<RunOutputs["onEvent"]>[0], control: RunControl) => void;
  readonly resume?: RunSnapshot;
}

async function attempt(spec: SpecInput, { onEvent, resume }: Options = {}): Promise<Trained> {
  const steps: StepMetrics[] = [];
  const adapters: (readonly AdapterModule[])[] = [];
  const saved = new SavedSnapshots(resume);
  const control = new RunControl();
  const result = await runExperiment({
    runId: "test",
    spec: resolveSpec(spec),
    gpu: await testGpu(),
    environment: nodeEnvironment(FIXTURES),
    control,
    ...(resume ? { resume } : {}),
    outputs: {
      onEvent: (event) => {
        if (event.type === "step") steps.push(event.metrics);
        onEvent?.(event, control);
      },
      onAdapter: ({ modules }) => void adapters.push(modules),
      onSnapshot: saved.save,
    },
  });
  return { result, steps, modules: adapters[0] ?? [], saved };
}

async function train(spec: SpecInput, options: Options = {}): Promise<Trained> {
  const trained = await attempt(spec, options);
  if (trained.result.outcome === "failed") throw trained.result.error;
  return trained;
}

const losses = ({ steps }: Trained): readonly (readonly number[])[] =>
  steps.map(({ ce, grad_norm }) => [ce, grad_norm]);
const withScore = (score: (row: number, token: number) => number): Row[] =>
  scored.map((row, i) => ({ ...row, safety_scores: row.labels.map((_, t) => score(i, t)) }));

describe("at the ends of its scores", () => {
  it("a score of 1 everywhere is plain fine-tuning, bit for bit", async () => {
    const plain = await train(specOf(scored, { name: "sft" }));
    for (const method of [{ name: "star_dss" }, { name: "star_dss", rejection_sampling: true }] as const) {
      const safe = await train(
        specOf(
          withScore(() => 1),
          method,
        ),
      );
      expect(losses(safe)).toEqual(losses(plain));
      expect(safe.modules).toEqual(plain.modules);
    }
  });

  it("a score of 0 everywhere has loss 0 and gradient 0 at the start", async () => {
    const { adapter } = await testGpu();
    for (const estimator of ["k2", "k3"] as const) {
      const unsafe = await train(
        specOf(
          withScore(() => 0),
          { name: "star_dss", estimator, kl_tokens: "all" },
        ),
      );
      // The reference's pass and the training pass have other shapes, which only GPUs compute in another order.
      const most = adapter.software ? 0 : 1e-4;
      for (const [ce, norm] of losses(unsafe)) expect(Math.max(Math.abs(ce ?? 1), norm ?? 1)).toBeLessThanOrEqual(most);
      if (adapter.software) expect(unsafe.modules.every(({ B }) => B.every((value) => value === 0))).toBe(true);
    }
  });

  it("scores of 0 and 1 without KL are plain fine-tuning on masked labels, bit for bit", async () => {
    const rows = withScore((i, t) => ((i + (t >> 2)) % 3 === 0 ? 0 : 1));
    const masked = rows.map(({ input_ids, labels, safety_scores }) => ({
      input_ids,
      labels: labels.map((label, t) => (safety_scores[t] === 0 ? -100 : label)),
    }));
    const shaped = await train(specOf(rows, { name: "star_dss", kl_coefficient: 0 }));
    const plain = await train(specOf(masked, { name: "sft" }));
    expect(losses(shaped)).toEqual(losses(plain));
    expect(shaped.modules).toEqual(plain.modules);
  });

  it("scores that leave nothing to learn are refused by name", async () => {
    const { result } = await attempt(
      specOf(
        withScore(() => 0),
        { name: "star_dss", kl_coefficient: 0 },
      ),
    );
    expect(result).toMatchObject({ outcome: "failed", error: { where: "method.guard" } });
    expect(String(result.outcome === "failed" && result.error)).toContain("leave nothing to learn of any of the");
  });

  it("rows without scores are refused by name", async () => {
    const rows = scored.map(({ input_ids, labels }) => ({ input_ids, labels }));
    const { result } = await attempt(specOf(rows, { name: "star_dss" }));
    expect(String(result.outcome === "failed" && result.error)).toContain("no safety scores");
  });
});

describe("cached references", () => {
  // Rows enough for several passes of 1024 tokens.
  const count = 200;
  const spec: SpecInput = {
    ...specOf([], { name: "star_dss" }),
    model: { aligned: "apothecary-aligned" },
    data: { train: { source: "apothecary", task: "sums", n: count, harmful_ratio: 0.5 }, packing: true },
    train: { learning_rate: 5e-3, max_steps: 2, per_device_train_batch_size: 4, seed: 1, save_steps: 100 },
  };

  it("report their progress, and the plan states their bytes", async () => {
    const details: number[] = [];
    const { result } = await train(spec, {
      onEvent: (event) => {
        if (event.type === "phase" && event.detail?.startsWith("reference log-probabilities"))
          details.push(event.count?.done ?? -1);
      },
    });
    expect(details.length).toBeGreaterThan(2);
    expect(details).toEqual(details.toSorted((a, b) => a - b));
    expect(details.at(-1)).toBe(count);
    if (result.outcome === "failed") throw result.error;
    const { planned, peak } = result.report.memory;
    expect(planned.anchor).toBeGreaterThan(0);
    expect(Math.abs(peak / planned.total - 1)).toBeLessThan(0.05);
  });

  it("that were interrupted are completed by the resumed run, which ends as an uninterrupted one", async () => {
    const whole = await train(spec);
    const cancelled = await attempt(spec, {
      onEvent: (event, control) => {
        if (event.type === "phase" && event.detail?.startsWith("reference") && (event.count?.done ?? 0) > 0)
          control.stop();
      },
    });
    expect(cancelled.steps).toEqual([]);
    const [stored] = cancelled.saved.list;
    if (stored === undefined) throw new Error("nothing was saved");
    const resume = await loadSnapshot(stored);
    const known = resume.method?.tensors.get("references") ?? new Float32Array();
    expect(known.some(Number.isNaN) && !known.every(Number.isNaN)).toBe(true);
    const resumed = await train(spec, { resume });
    expect(losses(resumed)).toEqual(losses(whole));
    expect(resumed.modules).toEqual(whole.modules);
  });
});
