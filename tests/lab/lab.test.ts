/** @file The lab without React: what its wishes send to the worker, and what the worker's events do to its stores. */
import { unzipSync } from "fflate";
import { describe, expect, it, vi } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { adapterZip } from "../../src/lab/runs/adapterZip.ts";
import type { Collection } from "../../src/lab/storage/collection.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import type { ChatAdapter } from "../../src/lab/chat/adapters.ts";
import { planKey } from "../../src/lab/setup/planStore.ts";
import { readiness } from "../../src/lab/setup/readiness.ts";
import { openLab, type OpenedLab } from "./openLab.ts";
import { brokenCollection } from "./sharedRecords.ts";
import { recordedEvents, recordedRunId } from "./recorded.ts";

/** The recorded run is the first; events are delivered when the test says so. */
function setUp(runs?: Collection<StoredRun>): OpenedLab & { readonly flush: () => void } {
  let pending: (() => void) | null = null;
  let id = 0;
  const opened = openLab({
    ...(runs === undefined ? {} : { runs }),
    schedule: (flush) => (pending = flush),
    now: () => 5000,
    newId: () => (id++ === 0 ? recordedRunId : `id-${id}`),
  });
  return { ...opened, flush: () => pending?.() };
}

const spec = resolveSpec({});
const planned = recordedEvents.find((event) => event.type === "plan");

describe("the lab", () => {
  it("starts, follows and keeps the recorded run", async () => {
    const { lab, worker, browser, flush } = setUp();
    lab.run.start(spec);
    expect(worker.messages.at(-1)).toEqual({
      type: "start",
      runId: recordedRunId,
      spec,
      reuse: false,
      resume: false,
      repeats: null,
    });
    worker.say(...recordedEvents);
    expect(lab.run.store.getState().run.kind).toBe("starting"); // nothing is drawn before the frame
    flush();
    expect(lab.run.store.getState().run.kind).toBe("finished");
    expect(lab.device.store.getState().kind).toBe("ready");
    await Promise.resolve();
    const [kept] = [...browser.runs.records.values()];
    expect(kept).toMatchObject({ runId: recordedRunId, endedAt: 5000, ending: { kind: "finished" } });
    expect(kept?.adapter?.["adapter_model.safetensors"].length).toBeGreaterThan(1000);
    expect(lab.history.store.getState().selected.has(recordedRunId)).toBe(true);
    expect(lab.run.store.getState().measured?.ms).toBeGreaterThan(0);
  });

  it("pause, resume and stop are sent for the run that is shown, and only while it is active", () => {
    const { lab, worker, flush } = setUp();
    lab.run.pause();
    expect(worker.messages).toEqual([]);
    lab.run.start(spec);
    worker.say(
      ...recordedEvents.slice(
        0,
        recordedEvents.findIndex(({ type }) => type === "paused"),
      ),
    );
    flush();
    lab.run.pause();
    lab.run.stop();
    expect(worker.messages.slice(1)).toEqual([
      { type: "pause", runId: recordedRunId },
      { type: "stop", runId: recordedRunId },
    ]);
  });

  it("the zip holds PEFT's two files and the spec", () => {
    const adapter = {
      "adapter_config.json": new TextEncoder().encode("{}"),
      "adapter_model.safetensors": new Uint8Array([1, 2, 3]),
    };
    const files = unzipSync(adapterZip({ adapter, spec, runId: "r" }));
    expect(Object.keys(files).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors", "basin_spec.json"]);
    expect(files["adapter_model.safetensors"]).toEqual(new Uint8Array([1, 2, 3]));
    expect(resolveSpec(JSON.parse(new TextDecoder().decode(files["basin_spec.json"])))).toEqual(spec);
    expect(() => adapterZip({ adapter: null, spec, runId: "r" })).toThrow(/no adapter/);
  });

  it("an answer to an outdated plan is dropped", async () => {
    const { lab, worker } = setUp();
    const first = lab.preview.planFor(spec, "first");
    const second = lab.preview.planFor(spec, "second");
    if (planned?.type !== "plan") throw new Error("no plan was recorded");
    const plan = {
      memory: planned.memory,
      verdict: planned.verdict,
      totalSteps: planned.totalSteps,
      trainableParameters: planned.trainableParameters,
      rows: planned.rows,
      twin: null,
    };
    worker.say(
      {
        type: "request_failed",
        id: 1,
        failure: { what: "No such module", where: "lora.target_modules", fix: "Name one." },
      },
      { type: "response", id: 2, output: plan },
    );
    await Promise.all([first, second]);
    expect(lab.preview.plan.getState()).toEqual({ kind: "planned", key: "second", plan });
  });

  it("a plan that fails says why", async () => {
    const { lab, worker } = setUp();
    const asked = lab.preview.planFor(spec, "key");
    const failure = { what: "No such module", where: "lora.target_modules", fix: "Name one." };
    worker.say({ type: "request_failed", id: 1, failure });
    await asked;
    expect(lab.preview.plan.getState()).toEqual({ kind: "impossible", key: "key", failure });
  });

  it("rows: only the page that was asked last is shown", async () => {
    const { lab, worker } = setUp();
    const summary = {
      rows: 2,
      harmfulRows: 0,
      safetyRows: 0,
      tokens: 4,
      labelledTokens: 2,
      longest: 2,
      notes: [],
      heldOut: 0,
      columns: null,
      fullLengths: Int32Array.of(2, 2),
      lengths: Int32Array.of(2, 2),
      labelled: Int32Array.of(1, 1),
      harmful: Uint8Array.of(0, 0),
    };
    const first = lab.preview.showRows({ spec, key: "key", filter: "all", offset: 0 });
    const second = lab.preview.showRows({ spec, key: "key", filter: "all", offset: 25 });
    worker.say(
      { type: "response", id: 2, output: { summary, page: [] } },
      { type: "response", id: 1, output: { summary, page: [] } },
    );
    await Promise.all([first, second]);
    expect(lab.preview.rows.getState()).toMatchObject({ kind: "ready", offset: 25 });
  });

  it("asks the pair and the tuned model, and gathers what they say", async () => {
    const { lab, worker, flush } = setUp();
    const adapter = { "adapter_config.json": new Uint8Array(1), "adapter_model.safetensors": new Uint8Array(1) };
    const tuned: ChatAdapter = { id: "run:run", title: "SFT", note: "", files: async () => adapter, spec };
    lab.chat.ask("How?", spec, tuned);
    const chats = () => worker.messages.filter((command) => command.type === "chat");
    await vi.waitFor(() => expect(chats()).toHaveLength(3));
    const asked = chats();
    expect(asked.map(({ subject }) => subject.kind)).toEqual(["unaligned", "aligned", "tuned"]);
    const [first, second, third] = asked.map(({ chatId }) => chatId);
    worker.say(
      { type: "chat_token", chatId: first ?? "", text: "To", tokens: 1 },
      {
        type: "chat_done",
        chatId: first ?? "",
        text: "To brew",
        tokens: 2,
        ms: 5,
        ended: "eos",
        verdict: null,
        odds: null,
      },
      { type: "chat_token", chatId: second ?? "", text: "I", tokens: 1 },
      {
        type: "chat_failed",
        chatId: third ?? "",
        failure: { what: "The GPU was lost", where: "chat", fix: "Ask again." },
      },
      { type: "chat_token", chatId: third ?? "", text: "late", tokens: 9 },
    );
    flush();
    expect(lab.chat.store.getState().exchanges[0]?.answers).toMatchObject({
      unaligned: { kind: "done", text: "To brew" },
      aligned: { kind: "streaming", text: "I" },
      tuned: { kind: "failed", text: "" },
    });
  });

  it("without IndexedDB runs stay in memory, and the page says so", async () => {
    const broken = brokenCollection<StoredRun>(new Error("denied"));
    const { lab, worker, flush } = setUp(broken);
    await lab.history.load();
    expect(lab.history.store.getState().archive.kind).toBe("unavailable");
    lab.run.start(spec);
    worker.say(...recordedEvents);
    flush();
    expect(lab.history.store.getState().runs).toHaveLength(1);
  });

  it("a run that failed before its first step is shown, not kept", () => {
    const { lab, worker, flush } = setUp();
    lab.run.start(spec);
    worker.say({
      type: "failed",
      runId: recordedRunId,
      failure: { what: "A shard is missing", where: "model", fix: "Fetch it." },
      lastStep: 0,
      adapterKept: false,
    });
    flush();
    expect(lab.run.store.getState().run.kind).toBe("failed");
    expect(lab.history.store.getState().runs).toHaveLength(0);
  });

  it("a run that starts from a kept adapter takes it along", async () => {
    const { lab, worker, flush } = setUp();
    lab.run.start(spec);
    worker.say(...recordedEvents);
    flush();
    lab.run.start(resolveSpec({ lora: { init_adapter: `run:${recordedRunId}` } }));
    await vi.waitFor(() => expect(worker.messages).toHaveLength(3));
    expect(worker.messages.at(-1)).toMatchObject({
      type: "start",
      spec: { lora: { init_adapter: expect.any(String) } },
    });
    expect(worker.messages.at(-2)).toMatchObject({ type: "attach_adapter", name: `run:${recordedRunId}` });
  });
});

describe("readiness", () => {
  const device = recordedEvents.find((event) => event.type === "device_ready");
  if (planned?.type !== "plan" || device === undefined) throw new Error("the recording lacks a plan or a device");
  const ready = {
    check: { kind: "valid", spec },
    typing: null,
    device: { kind: "ready", device: device.device },
    run: { kind: "idle" },
    plan: { kind: "planned", key: planKey(spec), plan: planned },
  } as const;

  it("is given when nothing stands in the way", () => {
    expect(readiness(ready)).toEqual({ kind: "ready", spec });
  });

  it("names the first obstacle", () => {
    const failure = { what: "This browser offers no WebGPU", where: "navigator.gpu", fix: "Use another." };
    expect(readiness({ ...ready, device: { kind: "missing", failure } })).toMatchObject({
      kind: "blocked",
      reason: failure.what,
    });
    expect(readiness({ ...ready, typing: { text: "{", error: "it ends too early" } })).toMatchObject({
      kind: "blocked",
      reason: expect.stringContaining("it ends too early"),
    });
    expect(
      readiness({
        ...ready,
        check: { kind: "invalid", problems: [{ path: "lora.r", message: "r is 0", fix: "Give 1 or more." }] },
      }),
    ).toMatchObject({ kind: "blocked", path: "lora.r" });
    expect(readiness({ ...ready, plan: { kind: "impossible", key: planKey(spec), failure } })).toMatchObject({
      kind: "blocked",
      fix: "Use another.",
    });
    expect(readiness({ ...ready, plan: { kind: "planned", key: "other settings", plan: planned } }).kind).toBe("soon");
    expect(readiness({ ...ready, plan: { kind: "planning", key: planKey(spec) } }).kind).toBe("soon");
    expect(readiness({ ...ready, device: { kind: "opening" } }).kind).toBe("soon");
  });

  it("is refused where the memory is known not to suffice, and not where that is only assumed", () => {
    const obstacle = (certain: boolean) => ({
      certain,
      failure: { what: "The run needs 9 GiB", where: "memory plan", fix: "Lower it." },
    });
    const plan = (certain: boolean) =>
      ({
        kind: "planned",
        key: planKey(spec),
        plan: { ...planned, verdict: { ...planned.verdict, fits: false, obstacle: obstacle(certain) } },
      }) as const;
    expect(readiness({ ...ready, plan: plan(true) })).toMatchObject({
      kind: "blocked",
      reason: "Not enough memory",
    });
    expect(readiness({ ...ready, plan: plan(false) }).kind).toBe("ready");
  });
});
