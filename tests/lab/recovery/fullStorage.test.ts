/**
 * @file A storage that fails at any moment of a run's life: afterwards the run is finished, or can be resumed, never
 * gone.
 */
import { describe, expect, it } from "vitest";
import type { SnapshotToSave } from "../../../src/experiment/run/runOptions.ts";
import { encodeSnapshot } from "../../../src/experiment/snapshot/runSnapshot.ts";
import { encodeLogPart, LOG_START } from "../../../src/experiment/snapshot/snapshotLog.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import type { Lab } from "../../../src/lab/lab.ts";
import type { Snapshots } from "../../../src/lab/recovery/snapshots.ts";
import { storageReason } from "../../../src/lab/recovery/storageReason.ts";
import type { LabEvent } from "../../../src/lab/worker/protocol/messages.ts";
import { openLab, type ScriptedWorker } from "../openLab.ts";
import { finishedReport } from "../storedRuns.ts";
import type { StorageOperation } from "../sharedRecords.ts";
import { FakeBrowser } from "./support.ts";

const spec = resolveSpec({ eval: { harmful: null, task: null, benign: null } });
const RUN = "run";
const LAST = 8;
const metrics = { ce: 1, penalty: 0, loss: 1, learning_rate: 1, grad_norm: 1, tokens: 1, ms: 1 };

/** Until everything that was asked for has been done; timers of retries are not waited for. */
async function idle(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Visit {
  readonly lab: Lab;
  readonly worker: ScriptedWorker;
  readonly die: () => void;
  /** Does what waits for its time to be tried again. */
  readonly passTime: () => Promise<void>;
  readonly snapshots: () => Promise<Snapshots>;
}

async function visit(browser: FakeBrowser): Promise<Visit> {
  const tab = browser.tab();
  let now = 0;
  const waiting: (() => void)[] = [];
  const { lab, worker } = openLab({
    tab,
    now: () => (now += 2000),
    newId: () => RUN,
    later: (work) => void waiting.push(work),
  });
  await lab.load();
  const passTime = async (): Promise<void> => {
    for (const work of waiting.splice(0)) work();
    await idle();
  };
  return { lab, worker, die: tab.die, snapshots: tab.snapshots, passTime };
}

async function snapshot(step: number): Promise<SnapshotToSave> {
  const values = new Map([["0", Float32Array.of(step)]]);
  const { part, end } = await encodeLogPart(
    Array.from({ length: step }, (_, n) => ({ step: { step: n + 1, ...metrics } })),
    LOG_START,
  );
  const file = await encodeSnapshot({
    spec,
    origin: { model: "m", rows: "r", device: "d", basin: "0" },
    stage: { kind: "training", step, safe: null },
    kernels: {},
    record: { log: end, beforeReused: false, elapsedMs: 1, resumedAt: [] },
    training: { values, moment1: values, moment2: values },
    method: null,
  });
  return { file, log: part, step, stage: "training" };
}

/** What the worker does with a snapshot. */
async function saveSnapshot({ snapshots, worker }: Visit, step: number): Promise<void> {
  const made = await snapshot(step);
  try {
    await (await snapshots()).save(RUN, made);
    worker.say({ type: "snapshot_saved", runId: RUN, step, stage: "training", bytes: made.file.byteLength });
  } catch (error) {
    worker.say({ type: "snapshot_failed", runId: RUN, why: storageReason(error) });
  }
}

const step = (n: number): LabEvent => ({
  type: "step",
  runId: RUN,
  metrics: { step: n, ...metrics },
  totalSteps: LAST,
});

/** A run from its start to its end. */
async function life(tab: Visit): Promise<void> {
  tab.lab.run.start(spec);
  await idle();
  for (let n = 1; n <= LAST; n += 1) {
    if (n % 4 === 1) await saveSnapshot(tab, n - 1);
    tab.worker.say(step(n));
    await idle();
  }
  await saveSnapshot(tab, LAST);
  const files = { "adapter_config.json": new Uint8Array(3), "adapter_model.safetensors": new Uint8Array(9) };
  tab.worker.say({ type: "adapter", runId: RUN, files });
  tab.worker.say({ type: "finished", runId: RUN, report: finishedReport(LAST) });
  await idle();
}

/** What a new visit finds of the run. */
async function found(browser: FakeBrowser): Promise<"finished" | "resumable" | "gone"> {
  const { lab, die } = await visit(browser);
  await idle();
  const finished = lab.history.runs.some(({ runId, ending }) => runId === RUN && ending.kind === "finished");
  const entry = lab.recovery.entry(RUN);
  die();
  if (finished) {
    // Nothing is left that would be offered again.
    expect([entry, browser.records.size, browser.disk.files.size]).toEqual([undefined, 0, 0]);
    return "finished";
  }
  return entry?.status === "interrupted" ? "resumable" : "gone";
}

/** How a storage fails: what it says, and for which operations. */
interface Failure {
  readonly error: () => Error;
  readonly fails: (operation: StorageOperation) => boolean;
}

const FAILURES: Readonly<Record<string, Failure>> = {
  // A full storage can still be read, and what is in it removed.
  "is full": {
    error: () => new DOMException("", "QuotaExceededError"),
    fails: (operation) => operation === "write",
  },
  "aborts every transaction": {
    error: () => new DOMException("The transaction was aborted.", "AbortError"),
    fails: () => true,
  },
};

/** Operations of the storage in the life of a run, without its reload. */
async function operations(): Promise<number> {
  const browser = new FakeBrowser();
  const tab = await visit(browser);
  let count = 0;
  browser.onOperation = () => void (count += 1);
  await life(tab);
  browser.onOperation = null;
  tab.die();
  expect(await found(browser)).toBe("finished");
  return count;
}

describe.each(Object.entries(FAILURES))("a storage that %s", (_name, { error, fails }) => {
  it("once, at any operation, loses nothing", async () => {
    const all = await operations();
    expect(all).toBeGreaterThan(20);
    for (let n = 1; n <= all; n += 1) {
      const browser = new FakeBrowser();
      const tab = await visit(browser);
      let count = 0;
      browser.onOperation = (operation) => {
        count += 1;
        if (count === n && fails(operation)) throw error();
      };
      await life(tab);
      // The tab is still open when saving is tried again: what was not stored is stored.
      await tab.passTime();
      browser.onOperation = null;
      expect([n, tab.lab.history.store.getState().unsaved.size]).toEqual([n, 0]);
      tab.die();
      expect([n, await found(browser)]).toEqual([n, "finished"]);
    }
  });

  it("from any operation on, until the tab is closed, leaves the run to be resumed", async () => {
    const all = await operations();
    for (let n = 1; n <= all; n += 1) {
      const browser = new FakeBrowser();
      const tab = await visit(browser);
      let count = 0;
      browser.onOperation = (operation) => {
        count += 1;
        if (count >= n && fails(operation)) throw error();
      };
      await life(tab);
      await tab.passTime();
      const { unsaved, runs } = tab.lab.history.store.getState();
      expect(runs).toHaveLength(1);
      const isSaid = unsaved.has(RUN);
      const wasStored = browser.runs.records.has(RUN);
      expect([n, isSaid]).toEqual([n, !wasStored]);
      const wasRecorded = browser.records.has(RUN);
      browser.onOperation = null;
      tab.die();
      const state = await found(browser);
      // Only a run of which nothing at all could be written is gone; the page has said so from its start.
      expect([n, state]).toEqual([n, wasStored ? "finished" : wasRecorded ? "resumable" : "gone"]);
      if (!wasRecorded && !wasStored) expect(n).toBeLessThanOrEqual(2);
    }
  });

  it("until room is made: then the run is stored, and its snapshot goes", async () => {
    const browser = new FakeBrowser();
    const tab = await visit(browser);
    let isFull = false;
    browser.onOperation = (operation) => {
      if (isFull && fails(operation)) throw error();
    };
    tab.lab.run.start(spec);
    await idle();
    tab.worker.say(step(1));
    await saveSnapshot(tab, 1);
    isFull = true;
    tab.worker.say({ type: "finished", runId: RUN, report: finishedReport(1) });
    await idle();
    await tab.passTime();
    expect(tab.lab.history.store.getState().unsaved.has(RUN)).toBe(true);
    expect([browser.records.size, browser.disk.files.size]).toEqual([1, 2]);
    isFull = false;
    await tab.lab.history.saveAgain();
    await idle();
    expect(tab.lab.history.store.getState().unsaved.size).toBe(0);
    expect([browser.runs.records.size, browser.records.size, browser.disk.files.size]).toEqual([1, 0, 0]);
  });
});

describe("a tab that is closed", () => {
  it("at any operation of the storage loses no run that has been recorded", async () => {
    const all = await operations();
    for (let n = 1; n <= all; n += 1) {
      const browser = new FakeBrowser();
      const tab = await visit(browser);
      let count = 0;
      let wasRecorded = false;
      browser.onOperation = () => {
        count += 1;
        if (count !== n) return;
        wasRecorded = browser.records.has(RUN) || browser.runs.records.has(RUN);
        tab.die();
      };
      void life(tab);
      for (let i = 0; i < 3 * LAST; i += 1) await idle();
      browser.onOperation = null;
      const state = await found(browser);
      if (wasRecorded) expect([n, state]).not.toEqual([n, "gone"]);
    }
  });
});

describe("a snapshot without a record", () => {
  it("is offered, if its record could never be written", async () => {
    const browser = new FakeBrowser();
    const tab = await visit(browser);
    await (await tab.snapshots()).save(RUN, await snapshot(4));
    tab.die();
    const { lab } = await visit(browser);
    expect(lab.recovery.entry(RUN)).toMatchObject({ status: "interrupted", snapshot: { step: 4 }, run: { spec } });
    lab.run.resumeInterrupted(RUN);
    await idle();
    expect(lab.run.store.getState().run).toMatchObject({ kind: "starting", log: { resumedFrom: 4 } });
  });
});
