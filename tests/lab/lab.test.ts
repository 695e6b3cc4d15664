/** @file The lab without React: what its wishes send to the worker, and what the worker's events do to its stores. */
import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { adapterZip, Lab } from "../../src/lab/lab.ts";
import type { RunArchive } from "../../src/lab/runs/runsDb.ts";
import type { ChatAdapter } from "../../src/lab/chat/adapters.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import { codec } from "../../src/lab/setup/codec.ts";
import { planKey } from "../../src/lab/setup/planStore.ts";
import { readiness } from "../../src/lab/setup/readiness.ts";
import { LabClient } from "../../src/lab/worker/client.ts";
import type { LabCommand, LabEvent } from "../../src/lab/worker/protocol.ts";
import { FakeBrowser } from "./recovery/support.ts";
import { memoryStorage, MemoryTables } from "./storage.ts";
import { recordedEvents, recordedRunId } from "./recorded.ts";

/** A worker that notes what it is told and says what the test tells it to say. */
class ScriptedWorker {
  readonly commands: LabCommand[] = [];
  #listener: (event: { readonly data: unknown }) => void = () => undefined;

  postMessage(command: LabCommand): void {
    this.commands.push(command);
  }

  addEventListener(_: "message", listener: (event: { readonly data: unknown }) => void): void {
    this.#listener = listener;
  }

  say(...events: readonly LabEvent[]): void {
    for (const data of events) this.#listener({ data });
  }
}

class MemoryArchive implements RunArchive {
  readonly runs = new Map<string, StoredRun>();

  async all(): Promise<readonly StoredRun[]> {
    return [...this.runs.values()];
  }

  async put(run: StoredRun): Promise<void> {
    this.runs.set(run.runId, run);
  }

  async remove(runId: string): Promise<void> {
    this.runs.delete(runId);
  }
}

function setUp(archive: RunArchive = new MemoryArchive()): { lab: Lab; worker: ScriptedWorker; flush: () => void } {
  const worker = new ScriptedWorker();
  let pending: (() => void) | null = null;
  const client = new LabClient(worker, (run) => {
    pending = run;
  });
  let id = 0;
  const lab = new Lab({
    client,
    codec,
    archive,
    tableArchive: new MemoryTables(),
    storage: memoryStorage(),
    keep: new FakeBrowser().tab(),
    hubUrl: null,
    now: () => 5000,
    newId: () => (id++ === 0 ? recordedRunId : `id-${id}`),
  });
  return { lab, worker, flush: () => pending?.() };
}

const spec = resolveSpec({});
const planned = recordedEvents.find((event) => event.type === "plan");

describe("the lab", () => {
  it("starts, follows and keeps the recorded run", async () => {
    const archive = new MemoryArchive();
    const { lab, worker, flush } = setUp(archive);
    lab.start(spec);
    expect(worker.commands.at(-1)).toEqual({
      type: "start",
      runId: recordedRunId,
      spec,
      reuse: false,
      resume: false,
      repeats: null,
    });
    worker.say(...recordedEvents);
    expect(lab.run.getState().run.kind).toBe("starting"); // nothing is drawn before the frame
    flush();
    expect(lab.run.getState().run.kind).toBe("finished");
    expect(lab.device.getState().kind).toBe("ready");
    await Promise.resolve();
    const [kept] = [...archive.runs.values()];
    expect(kept).toMatchObject({ runId: recordedRunId, endedAt: 5000, ending: { kind: "finished" } });
    expect(kept?.adapter?.["adapter_model.safetensors"].length).toBeGreaterThan(1000);
    expect(lab.runs.getState().selected.has(recordedRunId)).toBe(true);
    expect(lab.run.getState().measured?.ms).toBeGreaterThan(0);
  });

  it("pause, resume and stop are sent for the run that is shown, and only while it is active", () => {
    const { lab, worker, flush } = setUp();
    lab.pause();
    expect(worker.commands).toEqual([]);
    lab.start(spec);
    worker.say(
      ...recordedEvents.slice(
        0,
        recordedEvents.findIndex(({ type }) => type === "paused"),
      ),
    );
    flush();
    lab.pause();
    lab.stop();
    expect(worker.commands.slice(1)).toEqual([
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
    const first = lab.planFor(spec, "first");
    const second = lab.planFor(spec, "second");
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
        request: 1,
        failure: { what: "No such module", where: "lora.target_modules", fix: "Name one." },
      },
      { type: "planned", request: 2, plan },
    );
    await Promise.all([first, second]);
    expect(lab.plan.getState()).toEqual({ kind: "planned", key: "second", plan });
  });

  it("a plan that fails says why", async () => {
    const { lab, worker } = setUp();
    const asked = lab.planFor(spec, "key");
    const failure = { what: "No such module", where: "lora.target_modules", fix: "Name one." };
    worker.say({ type: "request_failed", request: 1, failure });
    await asked;
    expect(lab.plan.getState()).toEqual({ kind: "impossible", key: "key", failure });
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
    const first = lab.showRows(spec, "key", "all", 0);
    const second = lab.showRows(spec, "key", "all", 25);
    worker.say({ type: "rows", request: 2, summary, page: [] }, { type: "rows", request: 1, summary, page: [] });
    await Promise.all([first, second]);
    expect(lab.data.getState()).toMatchObject({ kind: "ready", offset: 25 });
  });

  it("asks the pair and the tuned model, and gathers what they say", () => {
    const { lab, worker, flush } = setUp();
    const adapter = { "adapter_config.json": new Uint8Array(1), "adapter_model.safetensors": new Uint8Array(1) };
    const tuned: ChatAdapter = { id: "run:run", title: "SFT", note: "", files: adapter, spec };
    lab.ask("How?", spec, tuned);
    const asked = worker.commands.filter((command) => command.type === "chat");
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
    expect(lab.chat.getState().exchanges[0]?.answers).toMatchObject({
      unaligned: { kind: "done", text: "To brew" },
      aligned: { kind: "streaming", text: "I" },
      tuned: { kind: "failed", text: "" },
    });
  });

  it("without IndexedDB runs stay in memory, and the page says so", async () => {
    const broken: RunArchive = {
      all: async () => Promise.reject(new Error("denied")),
      put: async () => Promise.reject(new Error("denied")),
      remove: async () => Promise.reject(new Error("denied")),
    };
    const { lab, worker, flush } = setUp(broken);
    await lab.runs.getState().load();
    expect(lab.runs.getState().archive.kind).toBe("unavailable");
    lab.start(spec);
    worker.say(...recordedEvents);
    flush();
    expect(lab.runs.getState().runs).toHaveLength(1);
  });

  it("a run that failed before its first step is shown, not kept", () => {
    const { lab, worker, flush } = setUp();
    lab.start(spec);
    worker.say({
      type: "failed",
      runId: recordedRunId,
      failure: { what: "A shard is missing", where: "model", fix: "Fetch it." },
      lastStep: 0,
      adapterKept: false,
    });
    flush();
    expect(lab.run.getState().run.kind).toBe("failed");
    expect(lab.runs.getState().runs).toHaveLength(0);
  });

  it("a run that starts from a kept adapter takes it along", async () => {
    const { lab, worker, flush } = setUp();
    lab.start(spec);
    worker.say(...recordedEvents);
    flush();
    lab.start(resolveSpec({ lora: { init_adapter: `run:${recordedRunId}` } }));
    expect(worker.commands.at(-2)).toMatchObject({ type: "attach_adapter", name: `run:${recordedRunId}` });
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
