/** @file A reload for a new version of the site during a run: when it is offered, and pause, save, reload, resume. */
import { describe, expect, it, vi } from "vitest";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { reloadOffer, type ReloadSituation } from "../../../src/lab/recovery/reloadStore.ts";
import { startRun, type ActiveRunState } from "../../../src/lab/run/runState.ts";
import type { SavedSettings } from "../../../src/lab/support/savedSettings.ts";
import { openLab, type OpenedLab } from "../openLab.ts";
import { recordedEvents } from "../recorded.ts";
import { finishedReport } from "../storedRuns.ts";
import { FakeBrowser, memorySession } from "./support.ts";

const spec = resolveSpec({ eval: { harmful: null, task: null, benign: null } });
const RUN = "run";
const step = (n: number) => ({
  type: "step" as const,
  runId: RUN,
  totalSteps: 20,
  metrics: { step: n, ce: 1, penalty: 0, loss: 1, learning_rate: 1, grad_norm: 1, tokens: 1, ms: 1 },
});
const paused = { type: "paused" as const, runId: RUN, step: 1 };
const snapshotSaved = { type: "snapshot_saved" as const, runId: RUN, step: 1, stage: "training" as const, bytes: 1 };

describe("a reload", () => {
  const starting = startRun(RUN, spec, 0);
  if (starting.kind !== "starting") throw new Error(starting.kind);
  const { log } = starting;
  const training: ActiveRunState = { kind: "training", log, pendingCommand: null };
  const atPause: ActiveRunState = { kind: "paused", step: 3, log, pendingCommand: null };
  const saved = { kind: "saved", point: { step: 3, stage: "training" }, at: 0 } as const;
  const situation: ReloadSituation = { run: training, saved: { kind: "none" }, queue: "idle", sameBasin: true };
  const offer = (changes: Partial<ReloadSituation>) => reloadOffer({ ...situation, ...changes });

  it("is offered while nothing runs, whatever the version", () => {
    expect(offer({ run: { kind: "idle" } })).toEqual({ kind: "now" });
    expect(offer({ run: { kind: "idle" }, sameBasin: false })).toEqual({ kind: "now" });
    expect(offer({ run: { kind: "idle" }, queue: "running" })).toEqual({ kind: "later", why: "queue" });
  });

  it("is offered for a run that is paused and saved, and for one that can be", () => {
    expect(offer({})).toEqual({ kind: "pause_first" });
    expect(offer({ run: starting })).toEqual({ kind: "pause_first" });
    expect(offer({ run: atPause })).toEqual({ kind: "pause_first" });
    expect(offer({ run: atPause, saved })).toEqual({ kind: "paused" });
  });

  it("waits for the end of a run that could not be resumed", () => {
    expect(offer({ sameBasin: false })).toEqual({ kind: "later", why: "other_version" });
    expect(offer({ run: atPause, saved, sameBasin: false })).toEqual({ kind: "later", why: "other_version" });
    expect(offer({ saved: { kind: "failed", why: "", point: null } })).toEqual({ kind: "later", why: "no_snapshots" });
    const off = { ...log, spec: resolveSpec({ train: { save_steps: 0 } }) };
    expect(offer({ run: { ...training, log: off } })).toEqual({ kind: "later", why: "no_snapshots" });
    const after: ActiveRunState = {
      kind: "working",
      phase: "evaluating_after",
      progress: null,
      detail: null,
      transfers: [],
      log,
      pendingCommand: null,
    };
    expect(offer({ run: after })).toEqual({ kind: "later", why: "ending" });
    expect(offer({ run: { ...training, pendingCommand: "stop" } })).toEqual({ kind: "later", why: "ending" });
  });
});

describe("pause, save, reload and resume", () => {
  const ready = recordedEvents.find((event) => event.type === "device_ready");
  if (ready === undefined) throw new Error("the recording lacks a device");

  interface Visit extends OpenedLab {
    readonly die: () => void;
    readonly commands: () => readonly string[];
  }

  async function visit(browser: FakeBrowser, session: SavedSettings): Promise<Visit> {
    const tab = browser.tab(session);
    const opened = openLab({ tab, newId: () => RUN });
    await opened.lab.load();
    opened.worker.say(ready as NonNullable<typeof ready>);
    const commands = (): readonly string[] => opened.worker.messages.map(({ type }) => type);
    return { ...opened, die: tab.die, commands };
  }

  async function running(): Promise<Visit & { readonly browser: FakeBrowser; readonly session: SavedSettings }> {
    const [browser, session] = [new FakeBrowser(), memorySession()];
    const first = await visit(browser, session);
    first.lab.run.start(spec);
    await vi.waitFor(() => expect(browser.records.has(RUN)).toBe(true));
    first.worker.say(step(1));
    return { ...first, browser, session };
  }

  it("comes back to the run by itself, once the page before has let it go", async () => {
    const { lab, worker, commands, die, browser, session } = await running();
    const reload = vi.fn(async () => true);
    const done = lab.reload.pauseAndReload(reload);
    expect(lab.reload.store.getState().kind).toBe("pausing");
    expect(commands().at(-1)).toBe("pause");
    worker.say(paused);
    expect(reload).not.toHaveBeenCalled();
    worker.say(snapshotSaved);
    await done;
    expect(reload).toHaveBeenCalledOnce();
    const next = await visit(browser, session);
    expect(next.lab.recovery.entry(RUN)?.status).toBe("elsewhere");
    expect(next.commands()).not.toContain("start");
    die();
    await vi.waitFor(() =>
      expect(next.worker.messages.at(-1)).toMatchObject({ type: "start", resume: true, runId: RUN }),
    );
    expect(next.lab.view.getState().area).toBe("run");
    // Once: a reload by hand resumes nothing.
    next.die();
    const third = await visit(browser, session);
    await vi.waitFor(() => expect(third.lab.recovery.entry(RUN)?.status).toBe("interrupted"));
    expect(third.commands()).not.toContain("start");
  });

  it("continues a run that cannot be saved, and says so", async () => {
    const { lab, worker, commands } = await running();
    const reload = vi.fn(async () => true);
    const done = lab.reload.pauseAndReload(reload);
    worker.say({ type: "snapshot_failed", runId: RUN, why: "the disk is full" }, paused);
    await done;
    expect(reload).not.toHaveBeenCalled();
    expect(commands().at(-1)).toBe("resume");
    expect(lab.reload.store.getState()).toEqual({ kind: "failed", why: "the disk is full" });
  });

  it("continues the run where the page stays", async () => {
    const { lab, worker, commands, browser, session, die } = await running();
    const done = lab.reload.pauseAndReload(async () => false);
    worker.say(paused, snapshotSaved);
    await done;
    expect(commands().at(-1)).toBe("resume");
    die();
    const next = await visit(browser, session);
    await vi.waitFor(() => expect(next.lab.recovery.entry(RUN)?.status).toBe("interrupted"));
    expect(next.commands()).not.toContain("start");
  });

  it("leaves it where the user stops the run meanwhile, or it ends", async () => {
    for (const end of ["stop", "finish"]) {
      const { lab, worker } = await running();
      const reload = vi.fn(async () => true);
      const done = lab.reload.pauseAndReload(reload);
      if (end === "stop") lab.run.stop();
      else worker.say({ type: "finished", runId: RUN, report: finishedReport(1) });
      await done;
      expect([end, reload.mock.calls.length, lab.reload.store.getState().kind]).toEqual([end, 0, "idle"]);
    }
  });
});
