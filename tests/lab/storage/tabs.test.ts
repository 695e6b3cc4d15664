/** @file Two tabs of one browser: each shows the runs of the other, and one of them runs the table. */
import { describe, expect, it, vi } from "vitest";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { HistoryController } from "../../../src/lab/runs/historyController.ts";
import type { StoredRun } from "../../../src/lab/runs/storedRun.ts";
import { brokenCollection, runArchive } from "../sharedRecords.ts";
import { openLab } from "../openLab.ts";
import { FakeBrowser, settled } from "../recovery/support.ts";

const run = (runId: string, endedAt: number): StoredRun => ({
  version: 1,
  runId,
  startedAt: 0,
  endedAt,
  spec: resolveSpec({}),
  plan: null,
  steps: [],
  evaluations: [],
  adapter: null,
  ending: { kind: "failed", failure: { what: "", where: "", fix: "" }, lastStep: 1 },
});

async function twoTabs(): Promise<{ browser: FakeBrowser; one: HistoryController; other: HistoryController }> {
  const browser = new FakeBrowser();
  const open = (): HistoryController =>
    new HistoryController({
      archive: browser.tab().runs,
      describeError: (error) => ({ what: String(error), where: "", fix: "" }),
    });
  const [one, other] = [open(), open()];
  await Promise.all([one.load(), other.load()]);
  return { browser, one, other };
}

const ids = ({ runs }: HistoryController): string => runs.map(({ runId }) => runId).join("");

describe("the history", () => {
  it("shows the runs of another tab as they end, the newest first", async () => {
    const { one, other } = await twoTabs();
    await one.add(run("b", 2));
    await other.add(run("c", 3));
    await one.add(run("a", 1));
    await settled();
    expect([ids(one), ids(other)]).toEqual(["cba", "cba"]);
  });

  it("has both tabs' words about a run", async () => {
    const { browser, one, other } = await twoTabs();
    await one.add(run("a", 1));
    await settled();
    await Promise.all([one.annotate("a", { note: "Holds." }), other.annotate("a", { tags: ["keeper"] })]);
    await settled();
    const both = { note: "Holds.", tags: ["keeper"] };
    expect(browser.runs.records.get("a")).toMatchObject(both);
    expect([one.runs[0], other.runs[0]]).toMatchObject([both, both]);
  });

  it("does not bring back a run that another tab has deleted", async () => {
    const { browser, one, other } = await twoTabs();
    await one.add(run("a", 1));
    await settled();
    // Both at once: the other tab has not heard of it yet.
    await Promise.all([one.remove("a"), other.annotate("a", { note: "Mine." })]);
    await settled();
    expect([browser.runs.records.size, ids(one), ids(other)]).toEqual([0, "", ""]);
    await one.restore();
    await settled();
    expect([ids(one), ids(other)]).toEqual(["a", "a"]);
  });

  it("stays in memory where nothing can be stored", async () => {
    const refused = brokenCollection<StoredRun>(new Error("denied"));
    const history = new HistoryController({
      archive: runArchive(refused),
      describeError: () => ({ what: "denied", where: "", fix: "" }),
    });
    await history.load();
    await history.add(run("a", 1));
    await history.annotate("a", { note: "Mine." });
    expect(history.runs).toMatchObject([{ runId: "a", note: "Mine." }]);
    expect(history.store.getState().archive.kind).toBe("unavailable");
  });
});

describe("the table", () => {
  const document = {
    base: { method: { name: "sft" }, eval: { harmful: null, task: null, benign: null } },
    axes: { seed: [0, 1, 2] },
  };
  const visit = async (browser: FakeBrowser) => {
    const tab = browser.tab();
    const opened = openLab({ tab, newId: () => `run ${(runs += 1)}` });
    await opened.lab.load();
    return { ...opened, die: tab.die, started: () => opened.worker.messages.filter(({ type }) => type === "start") };
  };
  let runs = 0;

  it("is edited in one tab and seen in the other", async () => {
    const browser = new FakeBrowser();
    const [one, other] = [await visit(browser), await visit(browser)];
    await one.lab.table.edit(document);
    await vi.waitFor(() =>
      expect(other.lab.table.store.getState().plan).toMatchObject({ kind: "ready", cells: { length: 3 } }),
    );
  });

  it("runs in one tab only; the other takes over when that tab is gone", async () => {
    const browser = new FakeBrowser();
    const [one, other] = [await visit(browser), await visit(browser)];
    await one.lab.table.edit(document);
    await settled();
    await Promise.all([one.lab.table.start(), other.lab.table.start()]);
    expect([one.started().length, other.started().length]).toEqual([1, 0]);
    expect(other.lab.table.store.getState().queue).toEqual({ kind: "elsewhere" });
    const third = await visit(browser);
    expect(third.lab.table.store.getState().queue).toEqual({ kind: "elsewhere" });
    one.die();
    await settled();
    expect(other.lab.table.store.getState().queue).toEqual({ kind: "idle" });
    await other.lab.table.start();
    await settled();
    // The cell that was under way is resumed.
    expect(other.started()).toMatchObject([{ resume: true }]);
  });

  it("is free again when it is done or stopped", async () => {
    const browser = new FakeBrowser();
    const [one, other] = [await visit(browser), await visit(browser)];
    await one.lab.table.edit(document);
    await settled();
    await one.lab.table.start();
    await other.lab.table.start();
    const { queue } = one.lab.table.store.getState();
    one.lab.run.stop();
    const failure = { what: "stopped", where: "run", fix: "" };
    const runId = queue.kind === "running" ? queue.runId : "";
    one.worker.say({ type: "failed", runId, failure, lastStep: 0, adapterKept: false });
    await settled();
    expect(one.lab.table.store.getState().queue).toEqual({ kind: "idle" });
    expect(other.lab.table.store.getState().queue).toEqual({ kind: "idle" });
  });

  it("runs where the browser refuses locks", async () => {
    const refuse = (): Promise<never> => Promise.reject(new DOMException("denied", "SecurityError"));
    const tab = { ...new FakeBrowser().tab(), tableLocks: { hold: refuse, held: refuse, whenFree: refuse } };
    const { lab, worker } = openLab({ tab });
    await lab.load();
    await lab.table.edit(document);
    await lab.table.start();
    expect(worker.messages.filter(({ type }) => type === "start")).toHaveLength(1);
  });
});
