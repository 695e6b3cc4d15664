/** @file The lab and unfinished runs: what going on, discarding and failing send to the worker and leave behind. */
import { describe, expect, it, vi } from "vitest";
import type { RunReport } from "../../../src/experiment/run/events.ts";
import { resolveSpec, type Spec } from "../../../src/experiment/spec/spec.ts";
import type { Lab } from "../../../src/lab/lab.ts";
import type { StoredRun } from "../../../src/lab/runs/storedRun.ts";
import type { LabEvent, LabMessage } from "../../../src/lab/worker/protocol/messages.ts";
import { openLab } from "../openLab.ts";
import { FakeBrowser, settled } from "./support.ts";

interface Tab {
  readonly lab: Lab;
  readonly sent: () => readonly LabMessage[];
  readonly say: (...events: readonly LabEvent[]) => Promise<void>;
  readonly history: Map<string, StoredRun>;
  readonly die: () => void;
}

let ids = 0;

async function visit(browser: FakeBrowser): Promise<Tab> {
  const tab = browser.tab();
  const { lab, worker } = openLab({
    tab,
    schedule: (flush) => queueMicrotask(flush),
    now: () => 1000,
    newId: () => `id${(ids += 1)}`,
  });
  await lab.load();
  return {
    lab,
    history: browser.runs.records,
    die: tab.die,
    sent: () => worker.messages.filter(({ type }) => type === "start" || type === "stop"),
    say: async (...events) => {
      worker.say(...events);
      await settled();
    },
  };
}

const spec = resolveSpec({ eval: { harmful: null, task: null, benign: null } });
const metrics = (step: number) => ({
  step,
  ce: 1 / step,
  penalty: 0,
  loss: 1,
  learning_rate: 1,
  grad_norm: 1,
  tokens: 1,
  ms: 1,
});
const steps = (runId: string, from: number, to: number): LabEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ type: "step", runId, metrics: metrics(from + i), totalSteps: 9 }));
const checkpoint = (runId: string, step: number): LabEvent => ({
  type: "snapshot_saved",
  runId,
  step,
  stage: "training",
  bytes: 4,
});
const failure = { what: "The device has no memory left", where: "logits", fix: "Close other tabs." };
const failed = (runId: string, lastStep: number, more: { diverged?: true } = {}): LabEvent => ({
  type: "failed",
  runId,
  failure,
  lastStep,
  adapterKept: lastStep > 0,
  ...more,
});

function finished(runId: string, outcome: "finished" | "stopped" = "finished"): LabEvent {
  const scores = { harmful_score: null, task_accuracy: null, benign_compliance: null };
  const memory = { weights: 0, anchor: 0, adapter: 0, activations: 0, logits: 0, inputs: 0, generation: 0, total: 0 };
  const report: RunReport = {
    before: scores,
    after: scores,
    steps: 9,
    device: "d",
    versions: {},
    wall_time_s: 1,
    judge: "",
    task: null,
    memory: { planned: memory, peak: 0, checkpointing: { on: false, reason: "" } },
    method: {},
    outcome,
  };
  return { type: "finished", runId, report };
}

/** A run that was at step 5 when its tab died. */
async function interrupted(browser: FakeBrowser, of: Spec = spec): Promise<string> {
  const tab = await visit(browser);
  tab.lab.run.start(of);
  const runId = `id${ids}`;
  await tab.say(...steps(runId, 1, 5), checkpoint(runId, 4));
  browser.disk.files.set(`${runId}/1-training-4-4.safetensors`, new Uint8Array(4));
  tab.die();
  return runId;
}

describe("going on", () => {
  it("starts the same run from its checkpoint, and tells each step once", async () => {
    const browser = new FakeBrowser();
    const runId = await interrupted(browser);
    const { lab, sent, say, history } = await visit(browser);
    expect(lab.run.resumeInterrupted("another")).toBe(false);
    expect(lab.run.resumeInterrupted(runId)).toBe(true);
    expect(lab.run.resumeInterrupted(runId)).toBe(false);
    await settled();
    expect(sent()).toEqual([{ type: "start", runId, spec, reuse: false, resume: true, repeats: null }]);
    await say(...steps(runId, 1, 4), { type: "resumed", runId, step: 4 }, ...steps(runId, 5, 7));
    // The device is lost: what comes again replaces what was there.
    await say({ type: "device_return", runId, failure, lastStep: 7, from: 4 });
    expect(lab.run.store.getState().run).toMatchObject({
      kind: "starting",
      log: { deviceLoss: { lastStep: 7, from: 4 }, steps: { length: 4 } },
    });
    await say(...steps(runId, 1, 4), { type: "resumed", runId, step: 4 }, ...steps(runId, 5, 9), finished(runId));
    expect(history.get(runId)?.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([browser.records.size, browser.disk.files.size]).toEqual([0, 0]);
  });

  it("is for one tab: who comes second is told", async () => {
    const browser = new FakeBrowser();
    const runId = await interrupted(browser);
    const [first, second] = [await visit(browser), await visit(browser)];
    first.lab.run.resumeInterrupted(runId);
    second.lab.run.resumeInterrupted(runId);
    await settled();
    expect([first.sent().length, second.sent().length]).toEqual([1, 0]);
    expect(second.lab.run.store.getState().run).toMatchObject({
      kind: "failed",
      failure: { what: "Another tab has taken this run" },
    });
    expect(second.lab.recovery.store.getState().entries).toMatchObject([{ status: "elsewhere" }]);
    expect(browser.records.size).toBe(1);
  });

  it("that is cancelled before it has begun leaves the run as it was", async () => {
    const browser = new FakeBrowser();
    const runId = await interrupted(browser);
    const { lab, say } = await visit(browser);
    lab.run.resumeInterrupted(runId);
    await settled();
    lab.run.stop();
    await say(failed(runId, 0));
    expect(lab.run.store.getState().run.kind).toBe("idle");
    expect(lab.recovery.store.getState().entries).toMatchObject([{ status: "interrupted", snapshot: { step: 4 } }]);
  });

  it("happens by itself in a table, for the cell that was interrupted", async () => {
    const browser = new FakeBrowser();
    const cell = resolveSpec({
      name: "seed 0",
      method: { name: "sft" },
      train: { seed: 0 },
      eval: { harmful: null, task: null, benign: null },
    });
    const runId = await interrupted(browser, cell);
    const { lab, sent, say } = await visit(browser);
    await lab.table.edit({
      base: { method: { name: "sft" }, eval: { harmful: null, task: null, benign: null } },
      axes: { seed: [0, 1] },
    });
    await lab.table.start();
    await settled();
    expect(sent()).toMatchObject([{ runId, resume: true }]);
    await say(...steps(runId, 1, 9), finished(runId));
    await vi.waitFor(() => expect(sent()).toHaveLength(2));
    expect(sent()).toMatchObject([
      { runId, resume: true },
      { resume: false, spec: { train: { seed: 1 } } },
    ]);
  });
});

describe("an end", () => {
  it("that was wished with discarding leaves nothing, not even in the history", async () => {
    const browser = new FakeBrowser();
    const { lab, sent, say, history } = await visit(browser);
    lab.run.start(spec);
    const runId = `id${ids}`;
    await say(...steps(runId, 1, 5), checkpoint(runId, 4));
    expect(browser.records.size).toBe(1);
    lab.run.discard();
    // Twice: the second ends the run without its last evaluation.
    expect(sent().slice(1)).toEqual([
      { type: "stop", runId },
      { type: "stop", runId },
    ]);
    await say(finished(runId, "stopped"));
    expect(lab.run.store.getState().run.kind).toBe("idle");
    expect([history.size, browser.records.size]).toEqual([0, 0]);
  });

  it("by an error keeps the checkpoint, unless training diverged or nothing was trained", async () => {
    for (const [event, kept] of [
      [(id: string) => failed(id, 5), 1],
      [(id: string) => failed(id, 5, { diverged: true }), 0],
    ] as const) {
      const browser = new FakeBrowser();
      const { lab, say, history } = await visit(browser);
      lab.run.start(spec);
      const runId = `id${ids}`;
      await say(...steps(runId, 1, 5), checkpoint(runId, 4), event(runId));
      expect([browser.records.size, history.size]).toEqual([kept, 1]);
      if (kept === 1)
        expect(lab.recovery.store.getState().entries).toMatchObject([{ status: "interrupted", run: { failure } }]);
    }
    const browser = new FakeBrowser();
    const { lab, say } = await visit(browser);
    lab.run.start(spec);
    await say(failed(`id${ids}`, 0));
    expect([lab.run.store.getState().run.kind, browser.records.size]).toEqual(["failed", 0]);
  });
});
