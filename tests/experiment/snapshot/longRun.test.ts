/**
 * @file Snapshots of a run of 100,000 steps: each writes what came since the last, in the browser's storage and in a
 * run's folder, and the run resumes with everything that it has reported.
 */
import { mkdtempSync, rmSync, statSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findUnfinished, writeCheckpoint } from "../../../src/cli/runFolder.ts";
import type { StepMetrics } from "../../../src/experiment/run/events.ts";
import type { SaveSnapshot } from "../../../src/experiment/run/runOptions.ts";
import type { RunSnapshot } from "../../../src/experiment/snapshot/runSnapshot.ts";
import { SnapshotWriter } from "../../../src/experiment/snapshot/snapshotWriter.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { Snapshots } from "../../../src/lab/recovery/snapshots.ts";
import { CountingFiles } from "../../weights/cache/countingFiles.ts";

const STEPS = 100_000;
const SAVE_STEPS = 500;
const EVERY_EVALUATION = 5_000;
const spec = resolveSpec({ train: { save_steps: SAVE_STEPS, max_steps: STEPS } });

const folder = mkdtempSync(join(tmpdir(), "basin-long-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Losses with as many digits as real ones. */
function metricsOf(step: number): StepMetrics {
  const ce = 1 + Math.sin(step) / 3;
  return { step, ce, penalty: ce / 7, loss: ce, learning_rate: 1e-4, grad_norm: Math.sqrt(ce), tokens: 640, ms: 12.5 };
}

const values = new Map([["0", Float32Array.of(1, 2, 3)]]);
const scores = { harmful_score: null, task_accuracy: null, benign_compliance: null };

function writer(save: SaveSnapshot, resumed?: RunSnapshot): SnapshotWriter {
  const made = new SnapshotWriter({
    spec,
    resumed,
    save,
    elapsed: () => 1,
    onFailure: (reason) => {
      throw new Error(reason);
    },
  });
  made.attach({
    origin: { model: "m", rows: "r", device: "d", basin: "0" },
    kernels: {},
    training: async () => ({ values, moment1: values, moment2: values }),
    method: { steps: null },
  });
  return made;
}

/** Takes steps as the training loop does. */
async function train(snapshots: SnapshotWriter, from: number, to: number): Promise<void> {
  for (let step = from + 1; step <= to; step += 1) {
    snapshots.addStep(metricsOf(step));
    if (step % EVERY_EVALUATION === 0) snapshots.addEvaluation({ when: "during", step, scores, answers: [] });
    if (snapshots.due(step)) await snapshots.save({ kind: "training", step, safe: null });
  }
}

function expectWhole({ stage, record }: RunSnapshot): void {
  expect(stage.step).toBe(STEPS);
  expect(record.steps).toHaveLength(STEPS);
  // Comparing a hundred thousand objects with toEqual takes seconds.
  expect(record.steps.every((step, i) => JSON.stringify(step) === JSON.stringify(metricsOf(i + 1)))).toBe(true);
  expect(record.evaluations.map(({ step }) => step)).toEqual(
    Array.from({ length: STEPS / EVERY_EVALUATION }, (_, i) => EVERY_EVALUATION * (i + 1)),
  );
}

/** Bytes of saves: at the beginning and at the end the same, but for the digits of larger numbers. */
function expectConstant(bytes: readonly number[]): void {
  expect(bytes).toHaveLength(STEPS / SAVE_STEPS);
  const early = Math.max(...bytes.slice(0, 20));
  const late = Math.max(...bytes.slice(-20));
  expect(late).toBeLessThan(1.03 * early);
}

describe("a run of 100,000 steps", () => {
  it("writes as much for its last snapshot as for its first in the browser, and resumes with all of it", async () => {
    const files = new CountingFiles();
    const kept = new Snapshots(files);
    const bytes: number[] = [];
    const save: SaveSnapshot = async (snapshot) => {
      files.written = 0;
      await kept.save("a", snapshot);
      bytes.push(files.written);
    };
    await train(writer(save), 0, STEPS / 2);
    // The tab is closed, and another resumes it.
    const half = await kept.load("a");
    expect(half?.record.steps).toHaveLength(STEPS / 2);
    await train(writer(save, half ?? undefined), STEPS / 2, STEPS);
    expectConstant(bytes);
    const last = await kept.load("a");
    if (last === null) throw new Error("no snapshot");
    expectWhole(last);
    const [listed] = await kept.list();
    expect(listed?.bytes).toBe(files.bytes);
  });

  it("does so in a run's folder", async () => {
    const bytes: number[] = [];
    const file = join(folder, "checkpoint", "run.safetensors");
    const log = join(folder, "checkpoint", "run.log");
    const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);
    const save: SaveSnapshot = (snapshot) => {
      const before = sizeOf(log);
      writeCheckpoint(folder, snapshot);
      bytes.push(sizeOf(file) + sizeOf(log) - before);
    };
    await train(writer(save), 0, STEPS / 2);
    await train(writer(save, (await findUnfinished(folder, spec)) ?? undefined), STEPS / 2, STEPS);
    expectConstant(bytes);
    const last = await findUnfinished(folder, spec);
    if (last === null) throw new Error("no snapshot");
    expectWhole(last);
  });

  it("holds nothing in memory that its log holds", async () => {
    const kept = new Snapshots(new CountingFiles());
    const parts: number[] = [];
    const snapshots = writer(async (snapshot) => {
      parts.push(snapshot.log.bytes.byteLength);
      await kept.save("a", snapshot);
    });
    await train(snapshots, 0, 3 * SAVE_STEPS);
    await snapshots.save({ kind: "training", step: 3 * SAVE_STEPS + 1, safe: null });
    expect(parts.map((bytes) => bytes > 0)).toEqual([true, true, true, false]);
  });

  it("that cannot be saved for a while is logged whole with the next snapshot that can", async () => {
    const kept = new Snapshots(new CountingFiles());
    const failures: string[] = [];
    let isFull = false;
    const snapshots = new SnapshotWriter({
      spec,
      resumed: undefined,
      save: async (snapshot) => {
        if (isFull) throw new Error("full");
        await kept.save("a", snapshot);
      },
      elapsed: () => 1,
      onFailure: (reason) => void failures.push(reason),
    });
    snapshots.attach({
      origin: { model: "m", rows: "r", device: "d", basin: "0" },
      kernels: {},
      training: async () => ({ values, moment1: values, moment2: values }),
      method: { steps: null },
    });
    await train(snapshots, 0, SAVE_STEPS);
    isFull = true;
    await train(snapshots, SAVE_STEPS, 3 * SAVE_STEPS);
    expect((await kept.load("a"))?.record.steps).toHaveLength(SAVE_STEPS);
    isFull = false;
    await train(snapshots, 3 * SAVE_STEPS, 4 * SAVE_STEPS);
    expect(failures).toEqual(["full", "full"]);
    expect((await kept.load("a"))?.record.steps).toHaveLength(4 * SAVE_STEPS);
  });
});
