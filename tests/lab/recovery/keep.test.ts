/** @file Unfinished runs between tabs and visits: what is offered, to whom, and what is left in the end. */
import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { RecoveryController } from "../../../src/lab/recovery/recoveryController.ts";
import { interruptedText, resumeLabel, snapshotText } from "../../../src/lab/recovery/runText.ts";
import type { UnfinishedRun } from "../../../src/lab/recovery/unfinishedRun.ts";
import { brokenCollection } from "../sharedRecords.ts";
import { FakeBrowser, settled } from "./support.ts";

const spec = resolveSpec({});

function open(browser: FakeBrowser): { keep: RecoveryController; die: () => void; clock: { now: number } } {
  const clock = { now: 1000 };
  const { die, ...parts } = browser.tab();
  return { keep: new RecoveryController({ ...parts, now: () => clock.now }), die, clock };
}

const begin = (keep: RecoveryController, runId: string): void =>
  keep.begin({ runId, spec, startedAt: 500, reuse: false, token: false });
const offered = ({ store }: RecoveryController) =>
  store
    .getState()
    .entries.map(({ run: { runId, steps }, status, snapshot }) => [runId, status, steps, snapshot?.step ?? null]);

/** What the worker leaves on the disk; only its name counts here. */
function leave(browser: FakeBrowser, runId: string, step: number): void {
  for (const path of [...browser.disk.files.keys()]) if (path.startsWith(`${runId}/`)) browser.disk.files.delete(path);
  browser.disk.files.set(`${runId}/1-training-${step}-4.safetensors`, new Uint8Array(4));
}

describe("an unfinished run", () => {
  it("is under way in one tab, interrupted once that dies, and gone when another has finished it", async () => {
    const browser = new FakeBrowser();
    const [first, second] = [open(browser), open(browser)];
    await Promise.all([first.keep.load(), second.keep.load()]);
    begin(first.keep, "a");
    leave(browser, "a", 8);
    first.keep.onSnapshot("a", { step: 8, stage: "training" });
    first.clock.now += 5000;
    first.keep.onProgress("a", 9, 20);
    await settled();
    expect(offered(first.keep)).toEqual([]);
    expect(offered(second.keep)).toEqual([["a", "elsewhere", 9, 8]]);
    expect(await second.keep.takeOver("a")).toBe(false);

    first.die();
    await settled();
    expect(offered(second.keep)).toEqual([["a", "interrupted", 9, 8]]);
    expect(await second.keep.takeOver("a")).toBe(true);
    expect(offered(second.keep)).toEqual([]);
    expect(second.keep.store.getState().saved).toMatchObject({ kind: "saved", point: { step: 8 } });
    expect(second.keep.resumability("a")).toEqual({ hasSnapshot: true, wasResumed: true });

    const third = open(browser);
    await third.keep.load();
    expect(offered(third.keep)).toEqual([["a", "elsewhere", 9, 8]]);
    await second.keep.onRunEnd("a", { kind: "done" });
    await settled();
    expect(offered(third.keep)).toEqual([]);
    expect([browser.records.size, browser.disk.files.size]).toEqual([0, 0]);
    expect(second.keep.store.getState().saved).toEqual({ kind: "none" });
  });

  it("that fails on being resumed is still as far as its snapshot", async () => {
    const browser = new FakeBrowser();
    const [first, second] = [open(browser), open(browser)];
    begin(first.keep, "a");
    leave(browser, "a", 8);
    first.clock.now += 5000;
    first.keep.onProgress("a", 9, 20);
    await settled();
    first.die();
    await second.keep.load();
    expect(await second.keep.takeOver("a")).toBe(true);
    second.keep.onProgress("a", 0, 20);
    await second.keep.onRunEnd("a", { kind: "interrupted", failure: { what: "Other rows", where: "rows", fix: "" } });
    expect(offered(second.keep)).toEqual([["a", "interrupted", 8, 8]]);
  });

  it("that failed is offered again with its reason; discarded it leaves nothing", async () => {
    const browser = new FakeBrowser();
    const { keep } = open(browser);
    await keep.load();
    begin(keep, "a");
    leave(browser, "a", 4);
    keep.onSnapshot("a", { step: 4, stage: "training" });
    await keep.onRunEnd("a", {
      kind: "interrupted",
      failure: { what: "The GPU was lost", where: "step 5", fix: "Go on." },
    });
    expect(keep.store.getState().entries[0]?.run.failure?.what).toBe("The GPU was lost");
    expect(offered(keep)).toEqual([["a", "interrupted", 0, 4]]);
    await keep.discard("a");
    expect(offered(keep)).toEqual([]);
    expect([browser.records.size, browser.disk.files.size]).toEqual([0, 0]);
  });

  it("is not discarded under the hands of the tab that runs it", async () => {
    const browser = new FakeBrowser();
    const [first, second] = [open(browser), open(browser)];
    begin(first.keep, "a");
    await settled();
    await second.keep.load();
    await second.keep.discard("a");
    expect(browser.records.size).toBe(1);
  });

  it("is gone for good when it ends before the next begins, whatever is still being written", async () => {
    const browser = new FakeBrowser();
    const { keep } = open(browser);
    begin(keep, "a");
    const ended = keep.onRunEnd("a", { kind: "done" });
    begin(keep, "b");
    keep.onProgress("b", 1, 5);
    await ended;
    await settled();
    expect([...browser.records.keys()]).toEqual(["b"]);
    const other = open(browser);
    await other.keep.load();
    expect(offered(other.keep)).toEqual([["b", "elsewhere", 1, null]]);
  });

  it("several wait, the one that was seen last first; checkpoints without a record are swept", async () => {
    const browser = new FakeBrowser();
    for (const [i, runId] of ["a", "b", "c"].entries()) {
      const tab = open(browser);
      tab.clock.now += i;
      begin(tab.keep, runId);
      await settled();
      tab.die();
    }
    leave(browser, "lost", 3);
    leave(browser, "b", 3);
    const { keep } = open(browser);
    await keep.load();
    expect(offered(keep)).toEqual([
      ["c", "interrupted", 0, null],
      ["b", "interrupted", 0, 3],
      ["a", "interrupted", 0, null],
    ]);
    expect([...browser.disk.files.keys()].map((path) => path.split("/")[0])).toEqual(["b"]);
  });

  it("a browser that keeps nothing is told, and takes nothing from the run", async () => {
    const { die: _, ...parts } = new FakeBrowser().tab();
    const keep = new RecoveryController({
      ...parts,
      unfinished: brokenCollection<UnfinishedRun>(new DOMException("", "QuotaExceededError")),
      snapshots: () => Promise.reject(new Error("no private storage")),
      now: () => 0,
    });
    await keep.load();
    begin(keep, "a");
    await settled();
    expect(keep.store.getState().storageProblem).toBe("the browser’s storage for this site is full");
    await keep.onRunEnd("a", { kind: "done" });
    expect(keep.store.getState().saved).toEqual({ kind: "none" });
  });
});

describe("what is said of it", () => {
  const run = {
    version: 1,
    runId: "a",
    spec,
    startedAt: 0,
    seenAt: new Date(2026, 10, 21, 19, 2).getTime(),
    steps: 53,
    totalSteps: 125,
    reuse: false,
    token: false,
    failure: null,
  } as const;
  const later = new Date(2026, 10, 21, 23, 0).getTime();
  const snapshot = { runId: "a", step: 50, stage: "training", bytes: 9 } as const;

  it("says when, where, and from which step it goes on", () => {
    const entry = { run, snapshot, status: "interrupted" } as const;
    expect(interruptedText(entry, later)).toBe("interrupted after step 53 of 125, today 19:02");
    expect(interruptedText({ ...entry, run: { ...run, steps: 0 } }, later + 1e9)).toBe(
      "interrupted before the first step, 2026-11-21 19:02",
    );
    expect(resumeLabel(entry)).toBe("Resume from step 50");
    expect(snapshotText(entry)).toContain("later steps are computed again");
    expect(resumeLabel({ ...entry, snapshot: null })).toBe("Restart");
    expect(resumeLabel({ ...entry, snapshot: { ...snapshot, step: 0 } })).toBe("Resume");
    expect(snapshotText({ ...entry, snapshot: { ...snapshot, stage: "safe_adapter", step: 7 } })).toContain(
      "7 steps of the safe adapter",
    );
  });
});
