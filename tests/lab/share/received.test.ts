/** @file Results that came with a link: kept while the settings are the link's, compared with runs that are of them. */
import { describe, expect, it } from "vitest";
import { encodeLink } from "../../../src/experiment/share/link.ts";
import { linkWithResults, resultsOf } from "../../../src/experiment/share/results.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { startRun, type RunState } from "../../../src/lab/run/runState.ts";
import { toSummary } from "../../../src/lab/runs/runSummary.ts";
import type { StoredRun } from "../../../src/lab/runs/storedRun.ts";
import { linkNotes } from "../../../src/lab/runs/share/linkNotes.ts";
import {
  comparedWithStored,
  createReceivedStore,
  repetitionOf,
  runsOfLink,
  linkWithReceived,
  type Received,
  type Repetition,
} from "../../../src/lab/runs/share/receivedStore.ts";
import { lossText, readingText, sentFigures } from "../../../src/lab/runs/share/shareText.ts";
import { finishedRun } from "../../experiment/share/runs.ts";

const spec = resolveSpec({ method: { name: "sft" }, train: { seed: 5 } });
const other = resolveSpec({ method: { name: "sft" }, train: { seed: 6 } });
const link = encodeLink(spec);
const sent = finishedRun();
const fragment = linkWithResults(link, resultsOf(sent));

function received(): Extract<Received, { kind: "received" }> {
  const store = createReceivedStore();
  store.getState().open(fragment, spec);
  const now = store.getState().received;
  if (now.kind !== "received") throw new Error(now.kind);
  return now;
}

function stored(runId: string, changes: Partial<StoredRun> = {}): StoredRun {
  const { steps, report, endedAt } = finishedRun();
  return {
    version: 1,
    runId,
    startedAt: 0,
    endedAt,
    spec,
    plan: null,
    steps,
    evaluations: [],
    adapter: null,
    ending: { kind: "finished", report },
    ...changes,
  };
}

const idle: RunState = { kind: "idle" };
/** With what is read of the history. */
function repetition(run: RunState, history: readonly StoredRun[]): Repetition {
  const found = repetitionOf(received(), run, runsOfLink(received(), history.map(toSummary)));
  const stored = found.kind === "stored" ? history.find(({ runId }) => runId === found.runId) : undefined;
  return stored === undefined ? found : comparedWithStored(received().results, stored);
}

describe("received results", () => {
  it("go back into the address with the link's settings, and only with them", () => {
    expect(linkWithReceived(received(), link, spec)).toBe(fragment);
    expect(linkWithReceived(received(), encodeLink(other), other)).toBe(encodeLink(other));
    expect(linkWithReceived({ kind: "none" }, link, spec)).toBe(link);
  });

  it("are put away, replaced by those of the next link, and told when they cannot be read", () => {
    const store = createReceivedStore();
    store.getState().open(fragment, spec);
    store.getState().open(link, spec);
    expect(store.getState().received).toEqual({ kind: "none" });
    store.getState().open(`${link}&r=1.broken`, spec);
    expect(store.getState().received.kind).toBe("unreadable");
    store.getState().dismiss();
    expect(store.getState().received).toEqual({ kind: "none" });
  });

  it("are compared with the run on screen, then with the history, never with the sender's own run", () => {
    expect(repetition(idle, [])).toEqual({ kind: "none" });
    expect(repetition(idle, [stored("ffff0000-1", { spec: other })])).toEqual({ kind: "none" });
    expect(repetition(idle, [stored(sent.runId)])).toEqual({ kind: "own" });
    expect(repetition(idle, [stored(sent.runId), stored("ffff0000-1")])).toMatchObject({
      kind: "compared",
      runId: "ffff0000-1",
      reproduction: { outcome: "exact" },
    });
    const begun = startRun("eeee0000-1", spec, 0);
    expect(repetition(begun, [stored("ffff0000-1")])).toEqual({ kind: "running" });
    if (begun.kind === "idle") throw new Error("no run");
    const { log } = begun;
    const stopped = { ...sent.report, outcome: "stopped" as const };
    expect(repetition({ kind: "finished", report: stopped, log }, [])).toEqual({
      kind: "incomplete",
      why: "the run was stopped",
    });
    expect(repetition({ kind: "finished", report: sent.report, log: { ...log, steps: sent.steps } }, [])).toMatchObject(
      { kind: "compared", reproduction: { outcome: "exact" } },
    );
    expect(repetition({ kind: "finished", report: sent.report, log: { ...log, runId: sent.runId } }, [])).toEqual({
      kind: "own",
    });
  });

  it("read as words", () => {
    const { results } = received();
    expect(sentFigures(results.before, results.after)).toEqual([
      { title: "Harmful score", before: "0\u202f% (0/100; 0 to 4)", after: "37\u202f% (37/100; 28 to 47)" },
      { title: "Task accuracy", before: "0\u202f% (0/100; 0 to 4)", after: "98\u202f% (98/100; 93 to 99)" },
      { title: "Harmless answered", before: "100\u202f% (50/50; 93 to 100)", after: "100\u202f% (50/50; 93 to 100)" },
    ]);
    expect(readingText(null)).toBe("not measured");
    expect(
      lossText({ stepsSent: 5, stepsHere: 4, identical: false, largestDifference: null, compared: 0 }, null),
    ).toContain("5 steps sent, 4 here");
    const apart = { stepsSent: 5, stepsHere: 5, identical: false, largestDifference: 0.00123, compared: 5 };
    for (const sameKernels of [null, true]) expect(lossText(apart, sameKernels)).toMatch(/0\.0012 nats\.$/);
    expect(lossText(apart, false)).toContain("The matrix products used different kernels");
    expect(lossText({ ...apart, identical: true }, false)).not.toContain("kernels");
  });
});

describe("what a link cannot hold", () => {
  it("is told: an address of this computer, files, folders, adapters", () => {
    const notes = (input: Parameters<typeof resolveSpec>[0], page = "https://basin.example/"): string =>
      linkNotes(resolveSpec(input), page).join(" ");
    expect(notes({})).toBe("");
    for (const page of [
      "http://localhost:5173/",
      "http://127.0.0.1/lab/",
      "http://[::1]:80/",
      "file:///home/x/index.html",
    ])
      expect(notes({}, page)).toContain("works on this computer only");
    expect(notes({ data: { train: { source: "file", path: "rows.csv" } } })).toContain("refers to rows.csv");
    expect(notes({ data: { train: { source: "file", path: "https://x.org/rows.csv" } } })).toBe("");
    expect(notes({ model: { aligned: "folder:mine", unaligned: "folder:theirs" } })).toContain(
      "can be read on this computer only",
    );
    expect(notes({ lora: { init_adapter: "run:abc" } })).toContain("nobody else can run this");
  });
});
