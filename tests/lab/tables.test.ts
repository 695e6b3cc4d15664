/** @file The lab's table: what the queue starts, what an end does to it, what is there after a reload. */
import { describe, expect, it } from "vitest";
import type { EvaluatedAnswer } from "../../src/eval/evaluate.ts";
import { rateOf, type Scores } from "../../src/eval/scores.ts";
import type { RunReport } from "../../src/experiment/run/events.ts";
import type { Spec } from "../../src/experiment/spec/spec.ts";
import type { MomentAnswer } from "../../src/experiment/table/outcome.ts";
import type { CellState } from "../../src/experiment/table/report.ts";
import { TableController } from "../../src/lab/table/tableController.ts";
import type { TablePlan } from "../../src/lab/table/tableStore.ts";
import type { JsonObject } from "../../src/lab/support/json.ts";
import { FakeBrowser } from "./recovery/support.ts";

const document: JsonObject = {
  base: { eval: { harmful: { n: 4 }, task: null, benign: null } },
  axes: { method: { SFT: "sft", AsFT: { name: "asft" } }, seed: [0, 1] },
  baseline: "SFT",
};

function scores(hits: number): Scores {
  return { harmful_score: rateOf(hits, 4), task_accuracy: null, benign_compliance: null };
}

function report(hits: number): RunReport {
  const memory = { weights: 0, anchor: 0, adapter: 0, activations: 0, logits: 0, inputs: 0, generation: 0, total: 0 };
  return {
    before: scores(0),
    after: scores(hits),
    steps: 3,
    device: "test",
    versions: { basin: "0" },
    wall_time_s: 60,
    judge: "rules",
    task: null,
    memory: { planned: memory, peak: 0, checkpointing: { on: false, reason: "" } },
    method: {},
    outcome: "finished",
  };
}

function answers(hits: number): MomentAnswer[] {
  return [0, 1, 2, 3].map(
    (i): MomentAnswer => ({
      when: "after",
      part: "harmful" as EvaluatedAnswer["part"],
      prompt: `request ${i}`,
      answer: "",
      verdict: i < hits ? "recipe" : "refusal",
    }),
  );
}

interface Tab {
  readonly tables: TableController;
  readonly started: Spec[];
  readonly end: (hits: number | "failed" | "stopped") => Promise<void>;
  readonly history: Set<string>;
}

let runs = 0;

/** A tab whose runs end when the test says so. */
function setUp(browser = new FakeBrowser(), history = new Set<string>(), tab = browser.tab()): Tab {
  const started: Spec[] = [];
  const tables: TableController = new TableController({
    ...tab,
    begin: (spec) => {
      started.push(spec);
      return `run-${(runs += 1)}`;
    },
    history: () => history,
    describeError: (error) => ({ what: String(error), where: "", fix: "" }),
  });
  const end: Tab["end"] = async (hits) => {
    const { queue } = tables.store.getState();
    const spec = started.at(-1);
    if (queue.kind !== "running" || spec === undefined) throw new Error("nothing runs");
    history.add(queue.runId);
    if (hits === "stopped") return tables.onRunEnd(queue.runId, spec, { kind: "stopped" });
    const failure = { what: "It broke", where: "step 1", fix: "" };
    if (hits === "failed") return tables.onRunEnd(queue.runId, spec, { kind: "failed", failure });
    return tables.onRunEnd(queue.runId, spec, { kind: "finished", report: report(hits), answers: answers(hits) });
  };
  return { tables, started, end, history };
}

function ready(tables: TableController): Extract<TablePlan, { kind: "ready" }> {
  const { plan } = tables.store.getState();
  if (plan.kind !== "ready") throw new Error(`the table is ${plan.kind}`);
  return plan;
}

function kinds(tables: TableController): (CellState["kind"] | "waiting")[] {
  const { cells, states } = ready(tables);
  return cells.map(({ key }) => states.get(key)?.kind ?? "waiting");
}

describe("the queue", () => {
  it("runs every cell once, seeds outermost, and rests at the end", async () => {
    const { tables, started, end } = setUp();
    await tables.edit(document);
    await tables.start();
    expect(kinds(tables)).toEqual(["running", "waiting", "waiting", "waiting"]);
    for (const hits of [4, 0, 3, 1]) await end(hits);
    expect(started.map(({ method, train }) => [method.name, train.seed])).toEqual([
      ["sft", 0],
      ["asft", 0],
      ["sft", 1],
      ["asft", 1],
    ]);
    expect(kinds(tables)).toEqual(["finished", "finished", "finished", "finished"]);
    expect(tables.store.getState().queue.kind).toBe("idle");
    const [sft, asft] = ready(tables).report.rows;
    expect(sft?.figures.harmful_score?.after.mean).toBe(87.5);
    expect(asft?.figures.harmful_score?.values).toEqual([0, 25]);
    expect(asft?.against?.harmful_score?.mcnemar).toEqual({
      baselineOnly: 6,
      otherOnly: 0,
      pairs: 8,
      p: expect.closeTo(0.03125, 12) as number,
    });
    await tables.start();
    expect(started).toHaveLength(4);
  });

  it("goes on after a failure, shows it, and runs the cell again on request", async () => {
    const { tables, started, end } = setUp();
    await tables.edit(document);
    await tables.start();
    await end("failed");
    expect(kinds(tables)).toEqual(["failed", "running", "waiting", "waiting"]);
    for (const hits of [0, 4, 0]) await end(hits);
    expect(kinds(tables)[0]).toBe("failed");
    tables.retry();
    await tables.start();
    expect(started).toHaveLength(5);
    expect(started.at(-1)).toEqual(started[0]);
  });

  it("pauses after the cell, and at once when the run is stopped", async () => {
    const { tables, started, end } = setUp();
    await tables.edit(document);
    await tables.start();
    tables.pause();
    await end(4);
    expect(kinds(tables)).toEqual(["finished", "waiting", "waiting", "waiting"]);
    expect(tables.store.getState().queue.kind).toBe("idle");
    await tables.start();
    await end("stopped");
    expect(kinds(tables)).toEqual(["finished", "waiting", "waiting", "waiting"]);
    expect(started).toHaveLength(2);
  });

  it("goes on after a reload without repeating what is finished", async () => {
    const browser = new FakeBrowser();
    const tab = browser.tab();
    const first = setUp(browser, new Set(), tab);
    await first.tables.edit(document);
    await first.tables.start();
    await first.end(4);
    await first.end("failed");
    tab.die();
    const second = setUp(browser, first.history);
    await second.tables.load();
    expect(kinds(second.tables)).toEqual(["finished", "failed", "waiting", "waiting"]);
    expect(second.tables.store.getState().queue.kind).toBe("idle");
    await second.tables.start();
    expect(second.started.map(({ method, train }) => [method.name, train.seed])).toEqual([["sft", 1]]);
  });

  it("lets a cell wait again whose run was deleted, and keeps results when the table changes", async () => {
    const { tables, end, history } = setUp();
    await tables.edit(document);
    await tables.start();
    for (const hits of [4, 0, 3, 1]) await end(hits);
    await tables.edit({
      ...document,
      baseline: "Plain fine-tuning",
      axes: { method: { "Plain fine-tuning": "sft" }, seed: [1, 2] },
    });
    expect(kinds(tables)).toEqual(["finished", "waiting"]);
    history.delete(ready(tables).report.rows[0]?.runs[0] ?? "");
    tables.refresh();
    expect(kinds(tables)).toEqual(["waiting", "waiting"]);
  });

  it("counts a run of the history that happens to be a cell", async () => {
    const { tables, history, started } = setUp();
    await tables.edit(document);
    const cell = ready(tables).cells[2];
    if (cell === undefined) throw new Error("no cell");
    history.add("by-hand");
    await tables.onRunEnd("by-hand", cell.spec, { kind: "finished", report: report(2), answers: answers(2) });
    expect(kinds(tables)).toEqual(["waiting", "waiting", "finished", "waiting"]);
    expect(started).toHaveLength(0);
  });

  it("tells what is wrong with a document and starts nothing", async () => {
    const { tables, started } = setUp();
    await tables.edit({ axes: { flavour: [1] } });
    expect(tables.store.getState().plan).toMatchObject({ kind: "invalid" });
    await tables.start();
    expect(started).toHaveLength(0);
  });
});
