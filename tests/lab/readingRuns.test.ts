/** @file Whole runs are read when they are needed: what happens while that takes its time, or where it fails. */
import { describe, expect, it, vi } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { runAdapters } from "../../src/lab/chat/adapters.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import { openLab } from "./openLab.ts";
import { FakeBrowser } from "./recovery/support.ts";
import { storedRun } from "./storedRuns.ts";

const spec = resolveSpec({});

describe("a saved run that takes its time to be read", () => {
  /** A lab with a saved run whose reading is answered by the test. */
  async function waiting() {
    const browser = new FakeBrowser();
    const saved = storedRun("saved", {
      adapter: { "adapter_config.json": new Uint8Array(1), "adapter_model.safetensors": new Uint8Array(1) },
    });
    browser.runs.records.set("saved", saved);
    const tab = browser.tab();
    let resolve: (run: StoredRun) => void = () => undefined;
    let reject: (error: unknown) => void = () => undefined;
    const promise = new Promise<StoredRun>((...settle) => ([resolve, reject] = settle));
    const opened = openLab({ tab: { ...tab, runs: { ...tab.runs, get: () => promise } } });
    await opened.lab.load();
    return { ...opened, saved, resolve, reject, run: () => opened.lab.run.store.getState() };
  }
  const trainOn = resolveSpec({ lora: { init_adapter: "run:saved" } });

  it("is not shown where a run was started meanwhile, or another was opened", async () => {
    const { lab, saved, resolve, run } = await waiting();
    const opening = lab.run.open("saved");
    expect(run().opening).toEqual({ kind: "reading", runId: "saved" });
    lab.run.start(spec);
    resolve(saved);
    expect(await opening).toBe(false);
    expect(run()).toMatchObject({ run: { kind: "starting" }, opening: { kind: "none" } });
  });

  it("says why it cannot be shown", async () => {
    const { lab, reject, run } = await waiting();
    const opening = lab.run.open("saved");
    reject(new DOMException("broken", "UnknownError"));
    expect(await opening).toBe(false);
    expect(run().opening).toMatchObject({ kind: "failed", runId: "saved", failure: { what: expect.any(String) } });
  });

  it("ends a run that was to train on from it, where it cannot be read", async () => {
    const { lab, worker, reject, run } = await waiting();
    lab.run.start(trainOn);
    expect([run().run.kind, worker.messages]).toEqual(["starting", []]);
    reject(new DOMException("broken", "UnknownError"));
    await vi.waitFor(() => expect(run().run).toMatchObject({ kind: "failed", failure: { what: expect.any(String) } }));
    expect(worker.messages).toEqual([]);
  });

  it("starts nothing that was discarded meanwhile", async () => {
    const { lab, worker, saved, resolve, run } = await waiting();
    lab.run.start(trainOn);
    lab.run.discard();
    resolve(saved);
    await vi.waitFor(() => expect(run().run.kind).toBe("idle"));
    expect(worker.messages.filter(({ type }) => type === "start")).toEqual([]);
  });

  it("is not asked in the chat once the question was stopped", async () => {
    const { lab, worker, saved, resolve } = await waiting();
    const [tuned] = runAdapters(lab.history.runs, (runId) => lab.history.read(runId));
    if (tuned === undefined) throw new Error("no adapter");
    lab.chat.ask("How?", spec, tuned);
    const [exchange] = lab.chat.store.getState().exchanges;
    lab.chat.stop(exchange?.id ?? "");
    resolve(saved);
    await tuned.files();
    expect(lab.chat.store.getState().exchanges[0]?.answers.tuned).toMatchObject({ kind: "done", ended: "stopped" });
    expect(worker.messages.filter(({ type }) => type === "chat")).toHaveLength(2);
  });
});
