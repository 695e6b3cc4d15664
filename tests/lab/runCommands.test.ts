/** @file Every button of a run in every state of it: what the worker is sent, what the page says, how it ends. */
import { describe, expect, it, vi } from "vitest";
import type { RunPhase } from "../../src/experiment/run/events.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { canPause, isActive } from "../../src/lab/run/runState.ts";
import type { LabEvent } from "../../src/lab/worker/protocol/messages.ts";
import { openLab } from "./openLab.ts";
import { FakeBrowser, settled } from "./recovery/support.ts";

const spec = resolveSpec({ eval: { harmful: null, task: null, benign: null } });
const runId = "id1";
const failure = { what: "The GPU was lost", where: "device", fix: "Wait." };

const phase = (name: RunPhase): LabEvent => ({ type: "phase", runId, phase: name });
const step: LabEvent = {
  type: "step",
  runId,
  metrics: { step: 1, ce: 1, penalty: 0, loss: 1, learning_rate: 1, grad_norm: 1, tokens: 1, ms: 1 },
  totalSteps: 9,
};
const failed = (lastStep: number): LabEvent => ({
  type: "failed",
  runId,
  failure: { what: "The run was stopped", where: "run", fix: "Start it again." },
  lastStep,
  adapterKept: lastStep > 0,
});

/** What the worker reports before the button is pressed. */
const STATES: Readonly<Record<string, readonly LabEvent[]>> = {
  starting: [],
  loading: [phase("loading")],
  "evaluating before training": [phase("evaluating_before")],
  compiling: [phase("compiling")],
  training: [phase("training"), step],
  "evaluating on the way": [phase("training"), step, phase("evaluating")],
  paused: [phase("training"), step, { type: "paused", runId, step: 1 }],
  "device reopening": [phase("training"), step, { type: "device_return", runId, failure, lastStep: 1, from: 0 }],
  restoring: [
    phase("training"),
    step,
    { type: "device_return", runId, failure, lastStep: 1, from: 0 },
    phase("loading"),
  ],
  "evaluating after training": [phase("training"), step, phase("evaluating_after")],
  saving: [phase("training"), step, phase("saving")],
};
const BUTTONS = ["pause", "resume", "stop", "discard"] as const;
const CASES = Object.keys(STATES).flatMap((state) => BUTTONS.map((button) => [button, state] as const));

async function at(state: string) {
  const { lab, worker } = openLab({ tab: new FakeBrowser().tab() });
  await lab.load();
  lab.run.start(spec);
  worker.say(...(STATES[state] ?? []));
  const run = () => lab.run.store.getState().run;
  const sent = () => worker.messages.slice(worker.messages.findIndex(({ type }) => type === "start") + 1);
  return { lab, worker, run, sent };
}

describe("a button of a run", () => {
  it.each(CASES)(
    "%s reaches the worker while %s, and the page says so until it is confirmed",
    async (button, state) => {
      const { lab, run, sent } = await at(state);
      const before = run();
      lab.run[button]();
      const stops = [
        { type: "stop", runId },
        { type: "stop", runId },
      ];
      expect(sent()).toEqual(button === "discard" ? stops : [{ type: button, runId }]);
      expect(run()).toEqual({ ...before, pendingCommand: button });
    },
  );

  it.each(Object.keys(STATES))("pause can be pressed unless it would have no step to wait for: %s", async (state) => {
    const run = (await at(state)).run();
    expect(isActive(run) && canPause(run)).toBe(!["paused", "evaluating after training", "saving"].includes(state));
  });

  it.each(Object.keys(STATES))("discard while %s leaves nothing, however the run ends", async (state) => {
    const { lab, worker, run } = await at(state);
    lab.run.discard();
    worker.say(failed(1));
    expect(run().kind).toBe("idle");
    await vi.waitFor(() => expect(lab.recovery.entry(runId)).toBeUndefined());
    expect(lab.history.runs).toEqual([]);
  });

  it("pause that comes after the last step is over with the evaluation that follows", async () => {
    const { lab, worker, run } = await at("training");
    lab.run.pause();
    worker.say(phase("evaluating_after"));
    expect(run()).toMatchObject({ kind: "working", pendingCommand: null });
  });

  it("pause and stop outlive a lost device", async () => {
    for (const button of ["pause", "stop", "discard"] as const) {
      const { lab, worker, run } = await at("training");
      lab.run[button]();
      worker.say({ type: "device_return", runId, failure, lastStep: 1, from: 0 }, phase("loading"));
      expect(run()).toMatchObject({ kind: "working", pendingCommand: button });
    }
  });

  it("does nothing once the run has ended", async () => {
    for (const button of BUTTONS) {
      const { lab, worker, run, sent } = await at("training");
      worker.say(failed(1));
      lab.run[button]();
      expect([run().kind, sent()]).toEqual(["failed", []]);
    }
  });
});

describe("a button of a run that is being resumed, before the worker knows of it", () => {
  async function resuming() {
    const browser = new FakeBrowser();
    const first = browser.tab();
    const begun = openLab({ tab: first });
    await begun.lab.load();
    begun.lab.run.start(spec);
    await settled();
    first.die();
    const { lab, worker } = openLab({ tab: browser.tab() });
    await lab.load();
    expect(lab.run.resumeInterrupted(runId)).toBe(true);
    const run = () => lab.run.store.getState().run;
    const types = () => worker.messages.map(({ type }) => type);
    return { lab, worker, run, types };
  }

  it.each(["pause", "stop"] as const)("%s is sent after the start", async (button) => {
    const { lab, worker, run, types } = await resuming();
    lab.run[button]();
    await vi.waitFor(() => expect(types()).toContain("start"));
    expect(worker.messages.slice(types().indexOf("start"))).toEqual([
      { type: "start", runId, spec, reuse: false, resume: true, repeats: null },
      { type: button, runId },
    ]);
    expect(run()).toMatchObject({ kind: "starting", pendingCommand: button });
  });

  it("discard ends it without a start", async () => {
    const { lab, run, types } = await resuming();
    lab.run.discard();
    await vi.waitFor(() => expect(run().kind).toBe("idle"));
    await vi.waitFor(() => expect(lab.recovery.entry(runId)).toBeUndefined());
    expect(types()).not.toContain("start");
  });
});

describe("stopping the run of a table", () => {
  it("ends the queue: the cell and those after it wait", async () => {
    const { lab, worker } = openLab({ tab: new FakeBrowser().tab() });
    await lab.load();
    const base = { method: { name: "sft" }, eval: { harmful: null, task: null, benign: null } };
    await lab.table.edit({ base, axes: { seed: [0, 1] } });
    await lab.table.start();
    lab.run.stop();
    worker.say(failed(0));
    await vi.waitFor(() => expect(lab.table.store.getState().queue.kind).toBe("idle"));
    expect(lab.table.store.getState().plan).toMatchObject({ states: new Map() });
    expect(worker.messages.filter(({ type }) => type === "start")).toHaveLength(1);
  });
});
