/** @file A worker that is gone: it is noticed, started again, and whatever it was doing fails or can be resumed. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import type { LabEvent } from "../../src/lab/worker/protocol/messages.ts";
import { startWorkers } from "../../src/lab/worker/startWorkers.ts";
import { onWorkerGone } from "../../src/weights/workerLife.browser.ts";
import { openLab } from "./openLab.ts";
import { FakeBrowser, settled } from "./recovery/support.ts";

const spec = resolveSpec({ eval: { harmful: null, task: null, benign: null } });
const WHAT = "The GPU worker ended unexpectedly";

const step = (runId: string, at: number): LabEvent => ({
  type: "step",
  runId,
  metrics: { step: at, ce: 1, penalty: 0, loss: 1, learning_rate: 1, grad_norm: 1, tokens: 1, ms: 1 },
  totalSteps: 9,
});

/** Locks of a browser; `end` frees one as the browser does when its worker is gone. */
class FakeLocks {
  readonly #waiting = new Map<string, (() => void)[]>();

  readonly request = (name: string, work: () => void): Promise<void> =>
    new Promise((resolve) => {
      const waiting = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, [...waiting, () => resolve(work())]);
    });

  end(name: string): void {
    for (const free of this.#waiting.get(name) ?? []) free();
  }
}

class FakeWorker extends EventTarget {
  readonly messages: { readonly type?: string; readonly kind?: string }[] = [];
  readonly url: string;

  constructor(url: URL) {
    super();
    this.url = url.href;
    started.push(this);
  }

  postMessage(message: { readonly type?: string; readonly kind?: string }): void {
    this.messages.push(message);
  }

  say(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

let started: FakeWorker[] = [];

describe("a worker", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("is known to be gone once the lock that it held is free, and not before", async () => {
    const locks = new FakeLocks();
    const worker = new EventTarget();
    let gone = 0;
    onWorkerGone(worker, () => (gone += 1), locks as unknown as LockManager);
    const alive = { data: { kind: "worker_alive", lock: "l" } };
    worker.dispatchEvent(Object.assign(new Event("message"), { data: { type: "device_ready" } }));
    worker.dispatchEvent(Object.assign(new Event("message"), alive));
    await settled();
    expect(gone).toBe(0);
    locks.end("l");
    expect(gone).toBe(1);
  });

  function start() {
    started = [];
    const locks = new FakeLocks();
    vi.stubGlobal("Worker", FakeWorker);
    vi.stubGlobal("document", { baseURI: "https://basin.example/" });
    vi.stubGlobal("navigator", { locks });
    const errors: string[] = [];
    const failures: string[] = [];
    const replies: unknown[] = [];
    const port = startWorkers({ onNotice: () => undefined, tab: "t", onError: ({ what }) => errors.push(what) });
    port.onMessage((reply) => replies.push(reply));
    port.onFailure(({ error, worker }) => failures.push(`${worker}: ${error.what}`));
    const newest = (file: string) => started.findLast(({ url }) => url.includes(file)) as FakeWorker;
    let lives = 0;
    const die = (file: string): void => {
      const lock = `life ${(lives += 1)}`;
      newest(file).say({ kind: "worker_alive", lock });
      locks.end(lock);
    };
    return { port, errors, failures, replies, newest, die };
  }

  it("that is gone is started again, connected, and listened to; three times at most", () => {
    const { port, errors, failures, replies, newest, die } = start();
    const first = newest("gpu.worker");
    die("gpu.worker");
    const second = newest("gpu.worker");
    expect(second).not.toBe(first);
    expect(second.messages).toMatchObject([{ type: "connect" }]);
    expect(newest("weights.worker").messages).toMatchObject([{ kind: "connect" }, { kind: "connect" }]);
    port.postMessage({ type: "open_device" });
    second.say({ type: "device_missing" });
    expect([first.messages.length, second.messages.length]).toEqual([1, 2]);
    expect(replies).toEqual([{ type: "device_missing" }]);
    for (let i = 0; i < 3; i += 1) die("gpu.worker");
    expect(failures).toEqual([`restarted: ${WHAT}`, `restarted: ${WHAT}`, `restarted: ${WHAT}`, `gone: ${WHAT}`]);
    expect(errors).toEqual([WHAT]);
  });

  it("that reads weights is replaced, too, and the GPU worker is given a line to the next", () => {
    const { errors, failures, newest, die } = start();
    const first = newest("weights.worker");
    die("weights.worker");
    expect(newest("weights.worker")).not.toBe(first);
    expect(newest("weights.worker").messages).toMatchObject([{ kind: "connect" }]);
    expect(newest("gpu.worker").messages).toMatchObject([
      { type: "connect" },
      { type: "weights_restarted", failure: { what: "The weights worker ended unexpectedly" } },
    ]);
    expect([errors, failures]).toEqual([[], []]);
  });
});

describe("a lab that loses its GPU worker", () => {
  async function training() {
    const browser = new FakeBrowser();
    const { lab, worker } = openLab({ tab: browser.tab(), now: () => 1000 });
    await lab.load();
    lab.device.open();
    await lab.inputs.attachFile(new File(["{}"], "rows.jsonl"));
    lab.models.setToken("hf_1");
    lab.run.start(spec);
    const started = worker.messages.findLast(({ type }) => type === "start") as { readonly runId: string };
    const { runId } = started;
    await settled();
    worker.say(step(runId, 1), step(runId, 2));
    return { browser, lab, worker, runId };
  }

  const snapshot = (browser: FakeBrowser, runId: string): LabEvent => {
    browser.disk.files.set(`${runId}/1-training-2-4.safetensors`, new Uint8Array(4));
    return { type: "snapshot_saved", runId, step: 2, stage: "training", bytes: 4 };
  };

  it("marks the run interrupted and resumes it from its snapshot in the next worker", async () => {
    const { browser, lab, worker, runId } = await training();
    worker.say(snapshot(browser, runId));
    await settled();
    const before = worker.messages.length;
    worker.fail(WHAT, "restarted");
    expect(lab.run.store.getState().run).toMatchObject({ kind: "failed", failure: { what: WHAT }, lastStep: 2 });
    await vi.waitFor(() =>
      expect(lab.recovery.entry(runId)).toMatchObject({ status: "interrupted", snapshot: { step: 2 } }),
    );
    // What a worker has to know, the next one is told.
    expect(worker.messages.slice(before).map(({ type }) => type)).toEqual(["open_device", "attach", "hub_access"]);
    expect(lab.run.resumeInterrupted(runId)).toBe(true);
    await vi.waitFor(() => expect(worker.messages.at(-1)).toMatchObject({ type: "start", runId, resume: true }));
  });

  it("lets the run restart where there was no snapshot yet", async () => {
    const { lab, worker, runId } = await training();
    worker.fail(WHAT, "restarted");
    await vi.waitFor(() => expect(lab.recovery.entry(runId)).toMatchObject({ status: "interrupted", snapshot: null }));
  });

  it("drops a run that was being discarded, and one that was stopped before its first step", async () => {
    const { lab, worker, runId } = await training();
    lab.run.discard();
    worker.fail(WHAT, "restarted");
    await settled();
    expect([lab.run.store.getState().run.kind, lab.recovery.entry(runId)]).toEqual(["idle", undefined]);
    lab.run.start(spec);
    lab.run.stop();
    worker.fail(WHAT, "restarted");
    await settled();
    expect([lab.run.store.getState().run.kind, lab.recovery.store.getState().entries]).toEqual(["idle", []]);
  });

  it("runs the interrupted cell of a table again by itself", async () => {
    const { lab, worker } = openLab({ tab: new FakeBrowser().tab() });
    await lab.load();
    const base = { method: { name: "sft" }, eval: { harmful: null, task: null, benign: null } };
    await lab.table.edit({ base, axes: { seed: [0, 1] } });
    await lab.table.start();
    const starts = () => worker.messages.filter(({ type }) => type === "start");
    worker.fail(WHAT, "restarted");
    await vi.waitFor(() => expect(starts()).toHaveLength(2));
    expect(starts()).toMatchObject([
      { resume: false, spec: { train: { seed: 0 } } },
      { resume: true, spec: { train: { seed: 0 } } },
    ]);
    // Without another worker the queue ends, and both cells wait.
    worker.fail(WHAT, "gone");
    await vi.waitFor(() => expect(lab.table.store.getState().queue.kind).toBe("idle"));
    expect(lab.table.store.getState().plan).toMatchObject({ states: new Map() });
    expect(starts()).toHaveLength(2);
  });

  it("fails what was pending, and asks anew for what the page shows", async () => {
    const { lab, worker } = openLab();
    const planned = lab.preview.planFor(spec, "key");
    const inspected = lab.models.inspect("aligned", "a/b");
    lab.chat.ask("hello", spec, null);
    const adapter = { id: "x", files: async () => ({ config: new Uint8Array(), weights: new Uint8Array() }) };
    await lab.merge.start({ model: "m", adapter: adapter as never, target: { kind: "archive" }, location: "here" });
    worker.fail(WHAT, "restarted");
    await Promise.all([planned, inspected]);
    expect(lab.preview.plan.getState().kind).toBe("unknown");
    expect(lab.models.store.getState().facts).toEqual({});
    expect(lab.device.store.getState().kind).toBe("opening");
    expect(lab.merge.store.getState()).toMatchObject({ kind: "failed", failure: { what: WHAT } });
    const [exchange] = lab.chat.store.getState().exchanges;
    expect(Object.values(exchange?.answers ?? {}).map(({ kind }) => kind)).toEqual(["failed", "failed"]);
    worker.fail(WHAT, "gone");
    expect(lab.device.store.getState()).toMatchObject({ kind: "lost", failure: { what: WHAT } });
    await expect(lab.device.report("look")).rejects.toThrow(WHAT);
  });
});
