/**
 * @file 24 steps of the methods that change the rows, the steps or the trained adapter, through the runner, against
 * PyTorch + PEFT (python/fixtures/methods.py): the losses of every step and the final updates.
 *
 * The tolerances are the project's promise and are not to be loosened.
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import type { RunReport, StepMetrics } from "../../src/experiment/run/events.ts";
import { runExperiment } from "../../src/experiment/run/runner.ts";
import { type SpecInput, resolveSpec } from "../../src/experiment/spec/spec.ts";
import type { AdapterModule } from "../../src/weights/adapterFile.ts";
import { Tally, largestDifference, product, relativeError } from "../exactness/compare.ts";
import { readArrays } from "../exactness/golden.ts";
import { testGpu } from "../support/gpu.ts";

const LOSS = 1e-3;
const UPDATE = 0.02;

const FIXTURES = fileURLToPath(new URL("../fixtures", import.meta.url));
const schema = z.object({
  runs: z.array(
    z.object({
      name: z.string(),
      spec: z.record(z.string(), z.unknown()),
      steps: z.array(z.object({ ce: z.number(), penalty: z.number(), loss: z.number() })),
    }),
  ),
});
const { runs } = schema.parse(JSON.parse(await readFile(`${FIXTURES}/methods/golden.json`, "utf8")));
const arrays = await readArrays(`${FIXTURES}/methods/golden.safetensors`);
const tally = new Tally("methods, worst disagreement with PyTorch + PEFT (B·A: relative Frobenius; losses: absolute)");

interface Trained {
  readonly steps: readonly StepMetrics[];
  readonly modules: readonly AdapterModule[];
  readonly report: RunReport;
}

async function train(spec: unknown): Promise<Trained> {
  const steps: StepMetrics[] = [];
  const adapters: (readonly AdapterModule[])[] = [];
  const result = await runExperiment({
    runId: "golden",
    spec: resolveSpec(spec as SpecInput),
    gpu: await testGpu(),
    environment: nodeEnvironment(FIXTURES),
    outputs: {
      onEvent: (event) => event.type === "step" && steps.push(event.metrics),
      onAdapter: ({ modules }) => void adapters.push(modules),
    },
  });
  if (result.outcome === "failed") throw result.error;
  return { steps, modules: adapters[0] ?? [], report: result.report };
}

describe("24 steps as PyTorch takes them", () => {
  it.each(runs.map((run) => [run.name, run] as const))("%s", async (name, { spec, steps }) => {
    const result = await train(spec);
    expect(result.steps).toHaveLength(24);
    for (const key of ["ce", "penalty", "loss"] as const) {
      const error = largestDifference(
        result.steps.map((step) => step[key]),
        steps.map((step) => step[key]),
      );
      expect.soft(tally.add(name, key, error), key).toBeLessThanOrEqual(LOSS);
    }
    for (const { path, r, A, B } of result.modules) {
      const [a, b] = [arrays.get(`${name}/${path}.lora_A`), arrays.get(`${name}/${path}.lora_B`)];
      if (!a || !b) throw new Error(`the fixture has no ${path}`);
      if (b.every((value) => value === 0)) {
        expect
          .soft(
            B.every((value) => value === 0),
            `${path} is pruned`,
          )
          .toBe(true);
        continue;
      }
      expect
        .soft(tally.add(name, "B·A", relativeError(product(B, A, r), product(b, a, r))), path)
        .toBeLessThanOrEqual(UPDATE);
    }
  });
});

describe("limits of Lisa", () => {
  const lisa = runs.find(({ name }) => name === "lisa")?.spec ?? {};
  const method = lisa.method as Record<string, unknown>;
  const of = (changes: Record<string, unknown>): Promise<Trained> =>
    train({ ...lisa, method: { ...method, ...changes } });

  it("without alignment steps and rho it is plain fine-tuning, bit for bit", async () => {
    const plain = await train({ ...lisa, method: { name: "sft" } });
    const limit = await of({ rho: 0, alignment_steps: 0 });
    expect(limit.modules).toEqual(plain.modules);
    expect(limit.report.method).toMatchObject({ steps: { user: 24, safety: 0 }, switches: [{ step: 1, to: "user" }] });
  });

  it("with alignment steps alone it is plain fine-tuning on the safety rows, bit for bit", async () => {
    const data = { ...(lisa.data as object), train: { path: "methods/safety.jsonl", format: "tokens" } };
    const plain = await train({ ...lisa, data, method: { name: "sft" } });
    const limit = await of({ rho: 0, alignment_steps: 1000 });
    expect(limit.modules).toEqual(plain.modules);
    expect(limit.steps.every(({ stream }) => stream === "safety")).toBe(true);
  });

  it("rho 0 is BSO: what the proximal term leaves when it never counts", async () => {
    const bso = await of({ rho: 0 });
    const never = await of({ proximal_from: 1 });
    expect(never.modules).toEqual(bso.modules);
    expect(never.report.method).toMatchObject({ steps_without_proximal_term: 24 });
    const held = await of({});
    expect(held.modules).not.toEqual(bso.modules);
  });

  it("tells its switches, the steps of each state and the distance of each module", async () => {
    const { report, steps } = await of({});
    const expected = [1, 3, 8, 10, 15, 17, 22, 24].map((step, i) => ({ step, to: i % 2 === 0 ? "safety" : "user" }));
    expect(report.method).toMatchObject({
      switches: expected,
      steps: { safety: 8, user: 16 },
      steps_without_proximal_term: 3,
      safety_rows: 10,
      safety_rows_use: "stream",
    });
    const modules = report.method.modules as { path: string; penalty: number }[];
    expect(modules.map(({ path }) => path)).toHaveLength(4);
    // One step after the last switch.
    expect(modules.every(({ penalty }) => penalty > 0)).toBe(true);
    expect(steps.filter(({ stream }) => stream === "safety").map(({ step }) => step)).toEqual([
      1, 2, 8, 9, 15, 16, 22, 23,
    ]);
  });
});
