/** @file The queue: each run once, on after failures, anew after interruptions. */
import { describe, expect, it } from "vitest";
import { expandTable, type Cell } from "../../../src/experiment/table/expand.ts";
import { countStates, runQueue } from "../../../src/experiment/table/queue.ts";
import type { CellState } from "../../../src/experiment/table/report.ts";
import { resolveTable } from "../../../src/experiment/table/tableSpec.ts";

const failed: Extract<CellState, { kind: "failed" }> = {
  kind: "failed",
  run: "",
  failure: { what: "It broke", where: "", fix: "" },
};

async function cells(): Promise<readonly Cell[]> {
  return expandTable(
    resolveTable({ axes: { method: { SFT: "sft", "SFT again": "sft", AsFT: "asft" }, seed: [0, 1] } }),
  );
}

describe("the queue", () => {
  it("runs cells of one key once, and goes on after a failure", async () => {
    const list = await cells();
    const states = new Map<string, CellState>();
    const ran: string[] = [];
    const result = await runQueue({
      cells: list,
      states,
      run: async ({ labels }) => (ran.push(`${labels.method ?? ""} ${labels.seed ?? ""}`), failed),
      pauseRequested: () => false,
      onState: () => undefined,
    });
    expect(result).toBe("done");
    expect(ran).toEqual(["SFT 0", "AsFT 0", "SFT 1", "AsFT 1"]);
    expect(countStates(list, states)).toEqual({ waiting: 0, running: 0, finished: 0, failed: 4 });
  });

  it("leaves an interrupted cell waiting, and pauses before a cell when asked", async () => {
    const list = await cells();
    const states = new Map<string, CellState>();
    const told: string[] = [];
    const interrupted = await runQueue({
      cells: list,
      states,
      run: async () => "interrupted",
      pauseRequested: () => false,
      onState: (_, { kind }) => told.push(kind),
    });
    expect([interrupted, ...told]).toEqual(["paused", "running", "waiting"]);
    let count = 0;
    expect(
      await runQueue({
        cells: list,
        states,
        run: async () => ((count += 1), failed),
        pauseRequested: () => count === 2,
        onState: () => undefined,
      }),
    ).toBe("paused");
    expect(countStates(list, states)).toEqual({ waiting: 2, running: 0, finished: 0, failed: 2 });
  });
});
